/*
 * Hooks: commands of the app's, run by /bin/sh -c in the release.
 *
 * Each is echoed ("+ npm ci"), runs in its own process group with /dev/null
 * as input and one pipe for output and errors, and ends when the shell
 * exits: what it left running in the background keeps running and is not
 * waited for; what that writes from then on is dropped (by a cat(1) that ends
 * with it).  On a deadline or a cancel the group gets TERM, and what is left
 * of it after 10 s KILL.  deployd's descriptors are not inherited.
 */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include <poll.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/settings.h"
#include "base/strv.h"
#include "server/config.h"
#include "server/store.h"

/* What deploy.conf's [hooks] and [app] say to the server. */
struct hook_settings {
	struct strv build, migrate, restart, check;
	long build_timeout; /* seconds, 0: never; defaults 1800, 0, 120, 60 */
	long migrate_timeout, restart_timeout, check_timeout;
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
/* Forgets all commands. */
void hook_settings_drop(struct hook_settings *h);
void hook_settings_release(struct hook_settings *h);

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
 * XDG_RUNTIME_DIR where it exists, PATH; nothing of ours besides.
 */
int hook_environment(const struct store *s, const struct hook_facts *f,
	struct strv *env, struct error *err);

/* Who runs hooks: a session, or an admin at the server's terminal. */
struct hook_host {
	/* Output as it comes, for the client and the log. */
	void (*output)(void *arg, const char *data, size_t len);
	/*
	 * As poll(2) on fds, while it also does the host's own work.  -1:
	 * the hook shall be cancelled.
	 */
	int (*wait)(void *arg, struct pollfd *fds, int n, int timeout_ms);
	void *arg;
	mode_t umask; /* of what hooks make */
};

enum hook_outcome { HOOK_DONE, HOOK_FAILED, HOOK_TIMEOUT, HOOK_CANCELLED };

/*
 * Runs the commands in order in directory cwd; the first failure stops.
 * timeout is for all of them together.  err says which command ended how.
 */
enum hook_outcome hooks_run(const char *stage, const struct strv *commands,
	int cwd, const struct strv *env, long timeout,
	const struct hook_host *host, struct error *err);

/*
 * Runs them, again each second (then every 2 s) after a failure, until they
 * pass or timeout seconds are over.
 */
enum hook_outcome hooks_check(const struct strv *commands, int cwd,
	const struct strv *env, long timeout, const struct hook_host *host,
	struct error *err);

#endif
