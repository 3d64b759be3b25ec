/*
 * deployd.conf (/etc/deployd.conf, then ~/.config/deployd.conf, the later
 * winning key by key), the command line, and what they allow.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/settings.h"
#include "base/strv.h"

enum config_hooks { HOOKS_TREE, HOOKS_SERVER, HOOKS_NONE };

struct config {
	char *root;    /* absolute; --root, DEPLOYD_ROOT, conf, ~/apps */
	mode_t umask;  /* narrows the modes of a tree; default 022 */
	uint64_t keep; /* releases that went live; default 5 */
	bool spare;    /* keep next/ prepared; default yes */
	bool relaxed;  /* durability = relaxed; default full */
	/* Bytes that an upload leaves free on the file system; default 64M. */
	uint64_t reserve;
	/* Limits of one tree and one server; each gives exit 4. */
	uint64_t max_files, max_bytes, max_file_size, max_path, max_entries;
	uint64_t max_manifest, max_sessions;
	/* Seconds, or 0; bytes a second: patience.h. */
	long request_timeout, stall_timeout;
	uint64_t min_rate;
	/* The command line of `--serve`. */
	struct strv apps;  /* --app A[,B]; empty: all */
	struct strv allow; /* --allow GROUP,...; empty: all */
	char *as;          /* --as NAME, or NULL */
	bool no_hooks;     /* --hooks none */
	/* The files as read, for the [app "x"] sections. */
	struct settings files[2];
};

/*
 * Reads the files and fills in defaults; root_option, if not NULL, wins.
 * Errors name file and line.
 */
int config_load(struct config *c, const char *root_option, struct error *err);
/* What holds where nothing is said: of those values that are no text. */
void config_default(struct config *c);
/*
 * The command line of --serve; each may be NULL.  Unknown words are errors.
 * hooks can only be `none', which is at least as strict as any deployd.conf.
 */
int config_restrict(struct config *c, const char *apps, const char *allow,
	const char *as, const char *hooks, struct error *err);
void config_release(struct config *c);

/* The home directory: HOME, else the account's. */
const char *config_home(void);
/* It is that of the account that runs us; else STATUS_REFUSED. */
int config_check_home(struct error *err);
/* That path belongs to another: STATUS_REFUSED with what to do. */
int config_not_ours(const char *path, struct error *err);
/* ~/.config/deployd.conf, to be freed. */
char *config_user_file(void);

/* Whose commands run for that app, and with HOOKS_SERVER which. */
enum config_hooks config_hooks(const struct config *c, const char *app);
/* Adds the values of [app "APP"] KEY (build, restart, check_timeout...). */
void config_app_values(const struct config *c, const char *app, const char *key,
	struct strv *out);

/* Whether what runs for that app is confined, and what it may write then. */
bool config_confines(const struct config *c, const char *app);
void config_writable(const struct config *c, const char *app,
	struct strv *paths);

/*
 * Authorisation, by groups of verbs:
 *
 *	read      releases, status, log, logs, verify, a deploy's compare
 *	deploy    push
 *	rollback  rollback, activate, restart
 *	env       names and values of the env file, but not to read values
 *	secrets   env list --reveal, fetch
 *	run       one-off commands
 *	admin     prune, pin, unpin, remove, fsck, doctor
 *
 * Any doubt is a no: STATUS_REFUSED.
 */
#define CONFIG_GROUPS "read, deploy, rollback, env, secrets, run, admin"

bool config_is_group(const char *word);
int config_authorise(const struct config *c, const char *app, const char *verb,
	struct error *err);

#endif
