/* The environment of hooks: the app's env file and what deployd adds. */
#include "server/hooks.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/io.h"

/* One written by hand may be longer than one that deploy changes. */
#define READ_MOST (1u << 20)

/* Sets NAME=value, replacing what the env file says of NAME. */
static void
set(struct strv *env, const char *name, const char *value)
{
	char *pair = mem_printf("%s=%s", name, value ? value : "");

	env_put(env, pair);
	free(pair);
}

/* What the env file may set otherwise. */
static void
set_default(struct strv *env, const char *name, const char *value)
{
	if (!env_find(env, name, strlen(name)))
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

static int
read_env_file(int dir, const char *path, struct strv *env, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (io_read_regular(dir, "env", READ_MOST, &text, err) == 0)
		rc = env_parse("env", buf_str(&text), text.len, env, err);
	else if (errno != ENOENT)
		rc = -1;
	buf_release(&text);
	if (rc < 0) {
		error_prefix(err, "%s/", path);
		err->status = STATUS_REFUSED;
		error_hint(err,
			"correct that on the server: no hook of the app runs "
			"until then");
	}
	return rc;
}

int
hook_environment_check(int dir, const char *path, struct error *err)
{
	struct strv env = STRV_INIT;
	int rc = read_env_file(dir, path, &env, err);

	strv_release(&env);
	return rc;
}

int
hook_environment(const struct store *s, const struct config *c,
	const struct hook_facts *f, struct strv *env, struct error *err)
{
	if (config_hooks(c, f->app) == HOOKS_TREE &&
		read_env_file(s->dir, s->path, env, err) < 0)
		return -1;
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
