/* The environment of hooks: the app's env file and what deployd adds. */
#include "server/hooks.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#define ENV_MOST (1u << 20)

/* The reader of one file. */
struct reader {
	const char *name;
	const char *p, *end;
	int line;
	struct error *err;
};

static int
bad(struct reader *r, const char *what)
{
	return error_set(r->err, "%s:%d: %s", r->name, r->line, what);
}

/* A backslash: before a newline it joins lines, else the next byte stays. */
static void
add_escaped(struct reader *r, struct buf *value, const char *keeps)
{
	char c = *r->p++;

	if (c == '\n') {
		r->line++;
		return;
	}
	/* Within quotes other bytes keep their backslash. */
	if (keeps && !strchr(keeps, c))
		buf_addch(value, '\\');
	buf_addch(value, c);
}

static int
read_quoted(struct reader *r, struct buf *value)
{
	char quote = *r->p++;

	while (r->p < r->end && *r->p != quote) {
		char c = *r->p++;

		if (c == '\\' && quote == '"' && r->p < r->end) {
			add_escaped(r, value, "\"\\`$");
			continue;
		}
		r->line += c == '\n';
		buf_addch(value, c);
	}
	if (r->p == r->end)
		return bad(r, "a quote is not closed");
	r->p++;
	return 0;
}

/* Up to the line's end; blanks at the end of the unquoted part go. */
static int
read_value(struct reader *r, struct buf *value)
{
	size_t solid = 0;

	while (r->p < r->end && isblank((unsigned char)*r->p))
		r->p++;
	while (r->p < r->end && *r->p != '\n') {
		char c = *r->p;

		if (c == '"' || c == '\'') {
			if (read_quoted(r, value) < 0)
				return -1;
			solid = value->len;
			continue;
		}
		r->p++;
		if (c == '\\' && r->p < r->end) {
			add_escaped(r, value, NULL);
			solid = value->len;
			continue;
		}
		if (c == '\r' && (r->p == r->end || *r->p == '\n'))
			continue;
		buf_addch(value, c);
		if (!isblank((unsigned char)c))
			solid = value->len;
	}
	buf_truncate(value, solid);
	return 0;
}

static int
read_pair(struct reader *r, struct strv *env)
{
	const char *name = r->p;
	struct buf pair = BUF_INIT, value = BUF_INIT;
	size_t len;
	int rc = -1;

	while (r->p < r->end && (isalnum((unsigned char)*r->p) || *r->p == '_'))
		r->p++;
	len = (size_t)(r->p - name);
	while (r->p < r->end && isblank((unsigned char)*r->p))
		r->p++;
	if (len == 0 || isdigit((unsigned char)*name) || r->p == r->end ||
		*r->p != '=') {
		bad(r, "expected NAME=value");
		goto out;
	}
	r->p++;
	if (read_value(r, &value) < 0)
		goto out;
	if (value.len && memchr(value.data, '\0', value.len)) {
		bad(r, "a NUL byte");
		goto out;
	}
	buf_add(&pair, name, len);
	buf_addch(&pair, '=');
	buf_add(&pair, buf_str(&value), value.len);
	strv_take(env, buf_detach(&pair));
	rc = 0;
out:
	buf_release(&pair);
	buf_release(&value);
	return rc;
}

/* A comment goes on over a line that ends in a backslash. */
static void
skip_comment(struct reader *r)
{
	while (r->p < r->end && *r->p != '\n') {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->line += r->p[1] == '\n';
			r->p++;
		}
		r->p++;
	}
}

int
env_parse(const char *name, const char *text, size_t len, struct strv *env,
	struct error *err)
{
	struct reader r = { name, text, text + len, 1, err };

	while (r.p < r.end) {
		if (*r.p == '\n') {
			r.line++;
			r.p++;
		} else if (isspace((unsigned char)*r.p)) {
			r.p++;
		} else if (*r.p == '#' || *r.p == ';') {
			skip_comment(&r);
		} else if (read_pair(&r, env) < 0) {
			return -1;
		}
	}
	return 0;
}

/* Sets NAME=value, replacing what the env file says of NAME. */
static void
set(struct strv *env, const char *name, const char *value)
{
	char *pair = mem_printf("%s=%s", name, value ? value : "");
	size_t len = strlen(name) + 1, i;

	for (i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], pair, len)) {
			free(env->v[i]);
			env->v[i] = pair;
			return;
		}
	strv_take(env, pair);
}

/* What the env file may set otherwise. */
static void
set_default(struct strv *env, const char *name, const char *value)
{
	size_t len = strlen(name), i;

	for (i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			return;
	set(env, name, value);
}

static void
set_account(struct strv *env)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = pw ? pw->pw_dir : getenv("HOME");
	const char *user = pw ? pw->pw_name : getenv("USER");
	char runtime[64], *path;

	home = home ? home : "/";
	path = mem_printf("%s/.local/bin:/usr/local/bin:/usr/bin:/bin", home);
	snprintf(runtime, sizeof(runtime), "/run/user/%ld", (long)getuid());
	set_default(env, "HOME", home);
	set_default(env, "USER", user);
	set_default(env, "LOGNAME", user);
	set_default(env, "LANG", "C.UTF-8");
	set_default(env, "TMPDIR", "/tmp");
	set_default(env, "PATH", path);
	/* Without it `systemctl --user` finds no bus. */
	if (access(runtime, F_OK) == 0)
		set_default(env, "XDG_RUNTIME_DIR", runtime);
	free(path);
}

int
hook_environment(const struct store *s, const struct hook_facts *f,
	struct strv *env, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (io_read_file(s->dir, "env", ENV_MOST, &text, err) == 0)
		rc = env_parse("env", buf_str(&text), text.len, env, err);
	else if (errno != ENOENT)
		rc = -1;
	buf_release(&text);
	if (rc < 0) {
		error_prefix(err, "%s/", s->path);
		err->status = STATUS_REFUSED;
		return -1;
	}
	set_account(env);
	set(env, "DEPLOY_APP", f->app);
	set(env, "DEPLOY_RELEASE", f->release);
	set(env, "DEPLOY_RELEASE_DIR", f->release_dir);
	set(env, "DEPLOY_PREVIOUS_DIR", f->previous_dir);
	set(env, "DEPLOY_SHARED_DIR", f->shared_dir);
	set(env, "DEPLOY_CACHE_DIR", f->cache_dir);
	set(env, "DEPLOY_REMOTE", f->remote);
	set(env, "DEPLOY_GIT_COMMIT", f->git_commit);
	return 0;
}
