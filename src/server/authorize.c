#include "server/authorize.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/authorized_keys.h"
#include "server/config.h"
#include "server/keyfile.h"

#define NAME_MOST 64

/* What stands in the command of a line: none of it means more to a shell. */
static bool
is_plain(const char *s, const char *more)
{
	size_t i;

	for (i = 0; isascii((unsigned char)s[i]) &&
		(isalnum((unsigned char)s[i]) || (s[i] && strchr(more, s[i])));)
		i++;
	return i > 0 && !s[i];
}

static int
check_name(const char *name, struct error *err)
{
	if (strlen(name) <= NAME_MOST && is_plain(name, "._@+-") &&
		isalnum((unsigned char)name[0]))
		return 0;
	return error_status(err, STATUS_USAGE,
		"--as: '%s' is no name of up to %d letters, digits and "
		"._@+-, the first a letter or digit",
		name, NAME_MOST);
}

static int
check_given(const struct authorize *a, struct error *err)
{
	const char *missing = !a->key ? "a file with a public key, or -" :
		!a->app               ? "--app" :
		!a->allow             ? "--allow" :
		!a->as                ? "--as" :
					NULL;

	if (!missing)
		return 0;
	error_status(err, STATUS_USAGE, "authorize needs %s", missing);
	return error_hint(err,
		"deployd authorize ann.pub --app blog --allow "
		"read,deploy,rollback --as ann");
}

/* The words of a list are joined as they were understood. */
static void
add_list(struct buf *out, const char *option, const struct strv *words)
{
	size_t i;

	buf_addf(out, " %s ", option);
	for (i = 0; i < words->n; i++)
		buf_addf(out, "%s%s", i ? "," : "", words->v[i]);
}

static int
add_path(struct buf *out, const char *path, const char *what, struct error *err)
{
	if (*path != '/' || !is_plain(path, "_./+-"))
		return error_set(err,
			"%s: %s is in the way: an absolute path of letters, "
			"digits and _./+- can stand in authorized_keys",
			path, what);
	buf_addstr(out, path);
	return 0;
}

static int
add_program(struct buf *out, struct error *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return error_errno(err, "/proc/self/exe");
	self[n] = '\0';
	return add_path(out, self, "deployd's path", err);
}

static int
add_limits(struct buf *out, const struct authorize *a, struct error *err)
{
	struct config c;
	int rc;

	memset(&c, 0, sizeof(c));
	rc = config_restrict(&c, a->app, a->allow, a->as, a->hooks, err);
	if (rc < 0)
		err->status = STATUS_USAGE;
	if (rc == 0) {
		add_list(out, "--app", &c.apps);
		add_list(out, "--allow", &c.allow);
		buf_addf(out, " --as %s", a->as);
		if (a->hooks)
			buf_addf(out, " --hooks %s", a->hooks);
	}
	config_release(&c);
	return rc;
}

static int
make_options(const struct authorize *a, struct buf *out, struct error *err)
{
	if (check_given(a, err) < 0 || check_name(a->as, err) < 0)
		return -1;
	buf_addstr(out, "restrict,command=\"");
	if (add_program(out, err) < 0)
		return -1;
	buf_addstr(out, " --serve");
	if (a->root) {
		buf_addstr(out, " --root ");
		if (add_path(out, a->root, "--root", err) < 0)
			return -1;
	}
	if (add_limits(out, a, err) < 0)
		return -1;
	buf_addch(out, '"');
	return 0;
}

/* The first line with that key, or NULL. */
static struct keyfile_line *
find_key(struct keyfile *f, const struct buf *blob)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].is_key && f->v[i].key.blob.len == blob->len &&
			memcmp(f->v[i].key.blob.data, blob->data, blob->len) ==
				0)
			return &f->v[i];
	return NULL;
}

static int
put_key(struct keyfile *f, const struct authorize *a, const char *text,
	const struct authorized_key *key, struct error *err)
{
	struct keyfile_line *there = find_key(f, &key->blob);
	size_t number = there ? (size_t)(there - f->v) + 1 : f->n + 1;

	if (there && !a->replace) {
		error_status(err, STATUS_REFUSED,
			"line %zu of %s has this key already", number, f->path);
		return error_hint(err,
			"--replace puts the new line in its place");
	}
	if (there)
		keyfile_set(f, there, text);
	else
		keyfile_append(f, text);
	/* sshd would take the next line that has it. */
	while (there && (there = find_key(f, &key->blob)))
		keyfile_drop(there);
	if (keyfile_save(f, err) < 0)
		return -1;
	log_info("%s may use %s: %s%s, by line %zu of %s", a->as, a->app,
		a->allow, a->hooks ? ", without hooks" : "", number, f->path);
	return 0;
}

static int
add(struct keyfile *f, const struct authorize *a, struct error *err)
{
	struct authorized_key key = { 0 };
	struct buf line = BUF_INIT;
	int rc = -1;

	/* Standard input may take its time: before the lock. */
	if (make_options(a, &line, err) < 0 ||
		keyfile_read_key(a->key, &key, err) < 0)
		goto out;
	buf_addf(&line, " %s ", key.type);
	base64_encode(&line, key.blob.data, key.blob.len);
	if (*key.comment)
		buf_addf(&line, " %s", key.comment);
	if (keyfile_open(f, true, err) == 0)
		rc = put_key(f, a, buf_str(&line), &key, err);
out:
	authorized_key_release(&key);
	buf_release(&line);
	return rc;
}

static void
print_key(const struct authorized_key *key)
{
	struct authorized_limits l;
	struct error err = ERROR_INIT;
	struct buf line = BUF_INIT;
	char *safe;

	authorized_limits_parse(&l, key->options);
	authorized_key_fingerprint(key, &line);
	if (authorized_limits_check(&l, &err) < 0)
		buf_addf(&line, "  %-12s  nothing: %s", l.as ? l.as : "-",
			err.text);
	else if (l.serves)
		buf_addf(&line, "  %-12s  %-12s  %s%s%s", l.as ? l.as : "-",
			l.app ? l.app : "all apps",
			l.allow ? l.allow : "everything",
			l.hooks ? "  hooks " : "", l.hooks ? l.hooks : "");
	else
		buf_addf(&line, "  %-12s  not limited to deployd",
			*key->comment ? key->comment : "-");
	safe = escape_dup(buf_str(&line));
	puts(safe);
	free(safe);
	buf_release(&line);
	authorized_limits_release(&l);
}

static int
list(struct keyfile *f, struct error *err)
{
	size_t i;

	if (keyfile_open(f, false, err) < 0)
		return -1;
	for (i = 0; i < f->n; i++)
		if (f->v[i].is_key)
			print_key(&f->v[i].key);
	return 0;
}

/* By the name or the fingerprint: 1 ours, -1 it is the key but not ours. */
static int
is_meant(const struct authorized_key *key, const char *what)
{
	struct authorized_limits l;
	struct buf print = BUF_INIT;
	int meant = 0;

	authorized_limits_parse(&l, key->options);
	authorized_key_fingerprint(key, &print);
	if (strcmp(buf_str(&print), what) == 0)
		meant = l.serves ? 1 : -1;
	else if (l.serves && l.as && strcmp(l.as, what) == 0)
		meant = 1;
	buf_release(&print);
	authorized_limits_release(&l);
	return meant;
}

static int
take_away(struct keyfile *f, const char *what, struct error *err)
{
	size_t i, gone = 0;

	if (keyfile_open(f, true, err) < 0)
		return -1;
	for (i = 0; i < f->n; i++) {
		int meant = f->v[i].is_key ? is_meant(&f->v[i].key, what) : 0;

		if (meant < 0) {
			error_status(err, STATUS_REFUSED,
				"line %zu of %s is not limited to deployd: "
				"whoever has that key can log in",
				i + 1, f->path);
			return error_hint(err, "remove it with an editor");
		}
		if (meant == 0)
			continue;
		log_info("removed line %zu of %s", i + 1, f->path);
		keyfile_drop(&f->v[i]);
		gone++;
	}
	if (gone)
		return keyfile_save(f, err);
	error_set(err, "%s has no key of '%s'", f->path, what);
	return error_hint(err, "deployd authorize --list shows them");
}

static int
check_alone(const struct authorize *a, struct error *err)
{
	if (!a->list && !a->remove)
		return 0;
	if (!a->key && !a->app && !a->allow && !a->as && !a->hooks &&
		!a->root && !a->replace && !(a->list && a->remove))
		return 0;
	return error_status(err, STATUS_USAGE, "%s stands alone",
		a->list ? "--list" : "--remove");
}

int
authorize_run(const struct authorize *a)
{
	struct error err = ERROR_INIT;
	struct keyfile f;
	int rc;

	keyfile_init(&f);
	rc = check_alone(a, &err);
	if (rc == 0)
		rc = a->list      ? list(&f, &err) :
			a->remove ? take_away(&f, a->remove, &err) :
				    add(&f, a, &err);
	keyfile_release(&f);
	if (rc < 0)
		log_error("deployd", &err);
	return rc < 0 ? (int)err.status : 0;
}
