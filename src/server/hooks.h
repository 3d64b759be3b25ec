/*
 * Hooks: commands of the app's, run by /bin/sh -c in the release, as run.h
 * says.  Each is echoed ("+ npm ci"), with /dev/null as input and one pipe
 * for output and errors.
 */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/settings.h"
#include "base/strv.h"
#include "server/config.h"
#include "server/run.h"
#include "server/store.h"

/* What deploy.conf's [hooks] and [app] say to the server. */
struct hook_settings {
	struct strv build, migrate, restart, check;
	long build_timeout; /* seconds, 0: never; defaults 1800, 0, 120, 60 */
	long migrate_timeout, restart_timeout, check_timeout;
	char *unit;         /* [service] unit, in full, or NULL */
	bool reload;        /* [service] reload */
	struct strv shared; /* [app] shared, split into words */
	struct strv carry;
};

/*
 * Reads deploy.conf's text; unknown sections and keys are ignored here (the
 * client has checked them).  With hooks = server the commands and timeouts
 * come from deployd.conf's [app "x"] instead, with none there are none.
 * shared and carry paths are checked with path_refuse(); a trailing slash of
 * shared is kept.
 */
int hook_settings_load(struct hook_settings *h, const struct config *c,
	const char *app, const char *text, size_t len, struct error *err);
/* Only the shared paths. */
int hook_settings_shared(struct strv *shared, const char *text, size_t len,
	struct error *err);
/* Forgets all commands. */
void hook_settings_drop(struct hook_settings *h);
void hook_settings_release(struct hook_settings *h);
/* Whether this deployd can make all of its checks; STATUS_REFUSED. */
int hook_settings_check(const struct hook_settings *h, struct error *err);

/* What hooks are told besides the app's env file. */
struct hook_facts {
	const char *app;
	const char *release;      /* DEPLOY_RELEASE */
	const char *release_dir;  /* absolute */
	const char *previous_dir; /* or "" */
	const char *shared_dir, *cache_dir, *remote, *git_commit;
};

/*
 * The environment of section 3: the app's env file (systemd's
 * EnvironmentFile syntax), DEPLOY_*, HOME, USER, LOGNAME, LANG, TMPDIR,
 * XDG_RUNTIME_DIR where it exists, PATH; nothing of ours besides.  The env
 * file is the client's, so the admin's hooks get nothing of it: PATH and its
 * like would decide what they run.
 */
int hook_environment(const struct store *s, const struct config *c,
	const struct hook_facts *f, struct strv *env, struct error *err);
/*
 * Whether they will take the env file, if there is one, of the app whose
 * directory is open and stands at path: -1 with err.
 */
int hook_environment_check(int dir, const char *path, struct error *err);

/*
 * Runs the commands in order; the first failure stops.  timeout is for all of
 * them together, 0 for none.  err says which command ended how.
 */
enum hook_outcome hooks_run(const char *stage, const struct strv *commands,
	const struct run_place *at, long timeout, struct error *err);

/*
 * Makes the checks (base/health.h), again each second (then every 2 s) after
 * a failure, until they pass or timeout seconds are over.
 */
enum hook_outcome hooks_check(const struct strv *checks,
	const struct run_place *at, long timeout, struct error *err);

#endif
