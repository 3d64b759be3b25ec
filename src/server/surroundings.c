#include "server/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/env.h"
#include "base/io.h"
#include "base/path.h"
#include "server/hooks.h"

static char *
absolute(const struct store *s, const char *directory, const char *name)
{
	return *name ? mem_printf("%s/%s%s", s->path, directory, name) :
		       mem_strdup("");
}

static int
make_environment(struct surroundings *x, const struct store *s,
	const struct config *c, const char *previous, const struct record *r,
	struct error *err)
{
	char *dir = absolute(s, "releases/", r->id);
	char *before = absolute(s, "releases/", previous);
	char *shared = mem_printf("%s/shared", s->path);
	char *cache = mem_printf("%s/.deployd/cache", s->path);
	const struct hook_facts f = { s->app, r->id, dir, before, shared, cache,
		r->remote ? r->remote : "",
		r->git_commit ? r->git_commit : "" };
	int rc = hook_environment(s, c, &f, &x->env, err);

	free(dir);
	free(before);
	free(shared);
	free(cache);
	return rc;
}

/* Takes the handle; -1 is none. */
static int
add_rule(struct surroundings *x, int fd, unsigned may)
{
	if (x->fence.n == FENCE_RULES) {
		io_close(&fd);
		errno = E2BIG;
		return -1;
	}
	x->rules[x->fence.n++] = (struct confine_rule){ fd, may };
	return 0;
}

static int
add_path(struct surroundings *x, const char *path, unsigned may)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -1 : add_rule(x, fd, may);
}

/* Of the store: what a link leads to could be anybody's. */
static void
add_own(struct surroundings *x, int dir, const char *name)
{
	int fd = beneath_open(dir, name, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		(void)add_rule(x, fd, CONFINE_TREES);
}

/* What every program may take for granted. */
static void
add_devices(struct surroundings *x)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero",
		"/dev/full", "/dev/tty", "/dev/ptmx", "/dev/pts" };
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		(void)add_path(x, paths[i], CONFINE_TREES);
}

/* Whether path, where it really is, is below that directory or is it. */
static bool
lies_below(const char *path, const char *directory)
{
	char *real = path ? realpath(path, NULL) : NULL;
	char *top = realpath(directory, NULL);
	bool below = real && top && path_below(real, top);

	free(real);
	free(top);
	return below;
}

/* Whether something is in it that hooks must not get at. */
static bool
is_ours(const struct store *s, const char *directory)
{
	const struct passwd *pw = getpwuid(getuid());

	return lies_below(s->path, directory) ||
		lies_below(getenv("HOME"), directory) ||
		lies_below(pw ? pw->pw_dir : NULL, directory);
}

/*
 * Where anybody may write, unless the store or the home is there: of what may
 * be written nothing can be taken away again.  Then the app's cache has to do.
 */
static void
add_temporary(struct surroundings *x, const struct store *s)
{
	static const char *const paths[] = { "/tmp", "/var/tmp", "/dev/shm" };
	bool all = true;
	char *pair;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (is_ours(s, paths[i]))
			all = false;
		else
			(void)add_path(x, paths[i], CONFINE_TREES);
	}
	if (all)
		return;
	pair = mem_printf("TMPDIR=%s/.deployd/cache", s->path);
	env_put(&x->env, pair);
	free(pair);
}

static int
add_writable(struct surroundings *x, const struct config *c, const char *app,
	struct error *err)
{
	struct strv paths = STRV_INIT;
	size_t i;
	int rc = 0;

	config_writable(c, app, &paths);
	for (i = 0; rc == 0 && i < paths.n; i++)
		if (add_path(x, paths.v[i], CONFINE_TREES) < 0)
			rc = error_errno(err,
				"deployd.conf: writable: %s of %s", paths.v[i],
				app);
	strv_release(&paths);
	return rc;
}

static int
put_up_fence(struct surroundings *x, const struct store *s,
	const struct config *c, struct error *err)
{
	int fd = fcntl(x->cwd, F_DUPFD_CLOEXEC, 0);

	if (confine_files_version() < SURROUNDINGS_LANDLOCK) {
		error_set(err,
			"deployd.conf has confine = yes for %s, which needs "
			"Landlock, and this kernel has none, or one too old",
			s->app);
		return error_hint(err, "`deployd doctor' there tells why");
	}
	x->fence = (struct confine){ .rules = x->rules,
		.network = true,
		.least = SURROUNDINGS_LANDLOCK };
	if (fd < 0 || add_rule(x, fd, CONFINE_TREES) < 0 ||
		add_path(x, "/", CONFINE_READ | CONFINE_RUN) < 0)
		return error_errno(err, "cannot confine hooks");
	add_own(x, s->dir, "shared");
	add_own(x, s->own, "cache");
	add_devices(x);
	add_temporary(x, s);
	x->fenced = true;
	return add_writable(x, c, s->app, err);
}

static int
open_release(struct surroundings *x, const struct store *s, const char *id,
	struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "releases/%s", id);
	x->cwd = beneath_open(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (x->cwd >= 0)
		return 0;
	error_errno(err, "release %s", id);
	if (errno != ENOENT)
		return store_trouble(err);
	err->status = STATUS_REFUSED;
	return error_hint(err,
		"deploy again, or go to one that is there: "
		"deploy releases");
}

int
surroundings_open(struct surroundings *x, const struct store *s,
	const struct config *c, const char *previous, const struct record *r,
	struct error *err)
{
	x->store = s;
	if (make_environment(x, s, c, previous, r, err) == 0 &&
		open_release(x, s, r->id, err) == 0 &&
		(!config_confines(c, s->app) ||
			put_up_fence(x, s, c, err) == 0))
		return 0;
	err->status = STATUS_REFUSED;
	surroundings_release(x);
	return -1;
}

void
surroundings_release(struct surroundings *x)
{
	size_t i;

	for (i = 0; i < x->fence.n; i++)
		io_close(&x->rules[i].fd);
	x->fence.n = 0;
	x->fenced = false;
	strv_release(&x->env);
	io_close(&x->cwd);
}

struct run_place
surroundings_place(const struct surroundings *x, const struct hook_host *host)
{
	return (struct run_place){ x->cwd, &x->env, host,
		x->fenced ? &x->fence : NULL, x->store };
}
