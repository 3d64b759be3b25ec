/*
 * What is in a tree: scan-list [OPTIONS] DIR prints the manifest of a
 * directory, or
 *
 *	-z		its files and links, each with a NUL behind
 *	-r		every path looked at: `+' or `-', path, rule
 *	-s		a summary: files, bytes, bytes read
 *	-x FILE		uses an index
 *	-i PATTERN	an `include' pattern; repeated
 *	-p DIR		the project's directory
 *	-t N		threads
 *	-e		exact modes
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tree/index.h"
#include "tree/scan.h"

enum form { FORM_MANIFEST, FORM_FILES, FORM_RULES, FORM_SUMMARY };

static void
show_rule(void *arg, const char *path, bool in, const char *rule)
{
	printf("%c %s%s%s\n", in ? '+' : '-', path, rule ? "\t" : "",
		rule ? rule : "");
}

static void
show(enum form form, const struct manifest *m, const struct scan_result *r)
{
	struct buf text = BUF_INIT;
	size_t i;

	if (form == FORM_MANIFEST) {
		manifest_write(m, &text);
		fwrite(text.data, 1, text.len, stdout);
	}
	for (i = 0; form == FORM_FILES && i < m->n; i++)
		if (m->v[i].type != ENTRY_DIRECTORY)
			fwrite(m->v[i].path, strlen(m->v[i].path) + 1, 1,
				stdout);
	if (form == FORM_SUMMARY)
		printf("%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64
		       " read\n",
			r->files, r->bytes, r->hashed);
	buf_release(&text);
}

static int
run(struct scan_options *o, enum form form, const char *index)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct scan_result r;
	int rc;

	o->dirfd = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->dirfd < 0) {
		fprintf(stderr, "%s: %s\n", o->path, strerror(errno));
		return 2;
	}
	if (index)
		o->index = index_load(AT_FDCWD, index);
	if (form == FORM_RULES)
		o->decided = show_rule;
	rc = scan_tree(o, &m, &r, &err);
	if (rc == 0 && index)
		rc = index_save(o->index, &err);
	if (rc == 0)
		show(form, &m, &r);
	else
		log_error("scan-list", &err);
	index_free(o->index);
	scan_result_release(&r);
	manifest_release(&m);
	close(o->dirfd);
	return rc < 0;
}

int
main(int argc, char **argv)
{
	struct scan_options o = { 0 };
	enum form form = FORM_MANIFEST;
	const char *index = NULL;
	int c, rc;

	while ((c = getopt(argc, argv, "zrsex:i:p:t:")) != -1) {
		switch (c) {
		case 'z':
			form = FORM_FILES;
			break;
		case 'r':
			form = FORM_RULES;
			break;
		case 's':
			form = FORM_SUMMARY;
			break;
		case 'e':
			o.exact_modes = true;
			break;
		case 'x':
			index = optarg;
			break;
		case 'i':
			strv_add(&o.include, optarg);
			break;
		case 'p':
			o.project = optarg;
			break;
		case 't':
			o.threads = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: %s [OPTIONS] DIR\n", argv[0]);
		return 2;
	}
	o.path = argv[optind];
	rc = run(&o, form, index);
	strv_release(&o.include);
	return rc;
}
