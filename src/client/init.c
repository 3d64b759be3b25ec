/* The verb init: writes deploy.conf, and a unit, for what the project is. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "client/init_text.h"
#include "client/project.h"
#include "client/report.h"
#include "client/verbs.h"

#define FILES_MOST 2

/* A file that is to be written. */
struct made {
	char *name;
	struct buf text;
	bool written;
};

struct init {
	const struct options *o;
	int fd; /* the project's directory */
	struct strv urls;
	char *app;
	struct survey survey;
	struct recipe recipe;
	struct made files[FILES_MOST];
	size_t n;
	struct error *err;
};

static int
add_url(struct init *in, const char *url)
{
	struct target t = { 0 };
	int rc = target_parse(&t, url, in->err);

	if (rc == 0 && !in->app)
		in->app = mem_strdup(t.app);
	if (rc == 0 && !strv_has(&in->urls, url))
		strv_add(&in->urls, url);
	target_release(&t);
	return rc;
}

/* `My Shop' becomes `my-shop', and what makes no name `app'. */
static char *
name_of(const char *directory)
{
	char *path = realpath(directory, NULL);
	struct buf b = BUF_INIT;
	const char *s;

	for (s = path ? path_leaf(path) : ""; *s && b.len < APP_MOST; s++) {
		if (isalnum((unsigned char)*s))
			buf_addch(&b, (char)tolower((unsigned char)*s));
		else if (b.len && b.data[b.len - 1] != '-')
			buf_addch(&b, '-');
	}
	free(path);
	while (b.len && b.data[b.len - 1] == '-')
		buf_truncate(&b, b.len - 1);
	if (!path_is_app(buf_str(&b))) {
		buf_clear(&b);
		buf_addstr(&b, "app");
	}
	return buf_detach(&b);
}

static int
look(struct init *in)
{
	const char *dir = in->o->directory ? in->o->directory : ".";
	size_t i;

	for (i = 0; i < in->o->targets.n; i++)
		if (add_url(in, in->o->targets.v[i]) < 0)
			return -1;
	if (in->o->args.n && add_url(in, in->o->args.v[0]) < 0)
		return -1;
	in->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->fd < 0)
		return error_errno(in->err, "%s", dir);
	if (!in->app)
		in->app = name_of(dir);
	survey_init(&in->survey, in->fd, in->err);
	return recipe_find(&in->recipe, &in->survey, in->app);
}

static struct buf *
add_file(struct init *in, char *name)
{
	struct made *f = &in->files[in->n++];

	f->name = name;
	return &f->text;
}

static void
compose(struct init *in)
{
	init_text_conf(add_file(in, mem_strdup("deploy.conf")), &in->recipe,
		&in->urls);
	if (in->recipe.start)
		init_text_unit(add_file(in, mem_printf("%s.service", in->app)),
			&in->recipe);
}

static int
is_there(struct init *in, const char *name)
{
	error_set(in->err, "%s is there already and is not overwritten", name);
	return error_hint(in->err,
		"edit it, or move it away and run `deploy init' again; "
		"`deploy init -n' prints what it would write");
}

/* A link that leads nowhere is there as well. */
static int
check_files(struct init *in)
{
	struct stat st;
	size_t i;

	for (i = 0; i < in->n; i++)
		if (fstatat(in->fd, in->files[i].name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			return is_there(in, in->files[i].name);
	return 0;
}

static int
write_file(struct init *in, struct made *f)
{
	int fd = openat(in->fd, f->name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return is_there(in, f->name);
	if (fd < 0)
		return error_errno(in->err, "cannot write %s", f->name);
	f->written = true;
	rc = io_write_full(fd, f->text.data, f->text.len);
	if (close(fd) < 0 || rc < 0)
		return error_errno(in->err, "cannot write %s", f->name);
	return 0;
}

/* All or none: another try would be refused over what one has left. */
static int
write_files(struct init *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		if (write_file(in, &in->files[i]) < 0)
			break;
	if (i == in->n)
		return 0;
	for (i = 0; i < in->n; i++)
		if (in->files[i].written)
			unlinkat(in->fd, in->files[i].name, 0);
	return -1;
}

static void
tell_files(struct init *in)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		const struct made *f = &in->files[i];

		report_event("write", "path", "s", f->name, "content", "s",
			f->text.data, "written", "b", (int)f->written, NULL);
		if (f->written)
			log_info("wrote %s", f->name);
		else if (!report_is_json())
			printf("%s==> %s <==\n%s", i ? "\n" : "", f->name,
				f->text.data);
	}
}

static void
tell_found(const struct recipe *r)
{
	if (r->kind)
		log_info("found %s: %s", r->because, r->kind);
	else
		log_info("found nothing that tells how to build or start it");
}

static void
tell_service(const struct init *in)
{
	const char *app = in->app;

	if (in->recipe.web_root)
		log_info("- let the web server's root be ~/apps/%s/current%s%s",
			app, *in->recipe.web_root == '.' ? "" : "/",
			*in->recipe.web_root == '.' ? "" : in->recipe.web_root);
	if (!in->recipe.start)
		return;
	log_info("- %s.service is installed by restart in deploy.conf, with "
		 "systemctl --user enable; look at its ExecStart and PORT",
		app);
	log_info("- once, as the account on the server, for it to run "
		 "without a login: loginctl enable-linger");
	log_info("- passwords and the like go into ~/apps/%s/env there", app);
}

static void
tell_next(const struct init *in)
{
	size_t i;

	log_info("next:");
	for (i = 0; i < in->recipe.notes.n; i++)
		log_info("- %s", in->recipe.notes.v[i]);
	tell_service(in);
	if (in->urls.n == 0)
		log_info("- put the server into deploy.conf, at [remote "
			 "\"production\"]");
	log_info("- read deploy.conf; `deploy -n' tells what would be sent, "
		 "`deploy' deploys");
}

static int
run(struct init *in)
{
	if (look(in) < 0)
		return -1;
	compose(in);
	if (!in->o->dry_run && (check_files(in) < 0 || write_files(in) < 0))
		return -1;
	tell_found(&in->recipe);
	tell_files(in);
	tell_next(in);
	return 0;
}

int
verb_init(struct options *o, struct error *err)
{
	struct init in = { .o = o, .fd = -1, .err = err };
	size_t i;
	int rc = run(&in);

	for (i = 0; i < in.n; i++) {
		free(in.files[i].name);
		buf_release(&in.files[i].text);
	}
	recipe_release(&in.recipe);
	survey_release(&in.survey);
	strv_release(&in.urls);
	free(in.app);
	io_close(&in.fd);
	return rc < 0 ? (int)err->status : STATUS_OK;
}
