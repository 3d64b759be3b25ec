/*
 * The project: the nearest directory upward that holds deploy.conf, not
 * above the repository's root; its settings; the tree that is deployed.
 */
#ifndef CLIENT_PROJECT_H
#define CLIENT_PROJECT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/strv.h"
#include "client/options.h"

struct project {
	char *directory;   /* absolute: of deploy.conf, else where we stand */
	bool has_settings; /* deploy.conf is there */
	struct buf text;   /* of deploy.conf */
	char settings_hex[DIGEST_HEX + 1]; /* its SHA-256, of "" if none */
	struct settings settings;
	char *tree; /* absolute; set by project_find_tree(), or DIR's */
	struct strv include, shared, carry; /* [app], split at blanks */
	struct strv before;                 /* [local]: commands */
	bool exact_modes;                   /* [app] modes = exact */
	bool refuse_ancestry;               /* [app] ancestry = refuse */
	unsigned hooks;                     /* number of hook commands */
};

/*
 * Finds and reads it from `start` (NULL: the working directory); if there is
 * none, from DIR of the command line, if that is not NULL.  Every section and
 * key is checked.  p is to be released all the same.
 */
int project_open(struct project *p, const char *start, const char *dir,
	struct error *err);
void project_release(struct project *p);

/* Where to deploy to: one URL of a remote or of the command line. */
struct target {
	char *text;        /* as typed: user@host:app */
	char *remote;      /* the remote's name, or "" */
	bool local;        /* local:app */
	char *user, *host; /* user may be NULL */
	int port;          /* of ssh://, else 0 */
	char *app;
};

struct targets {
	struct target *v;
	size_t n;
};

/* STATUS_USAGE if it is none; t is to be released all the same. */
int target_parse(struct target *t, const char *text, struct error *err);
void target_release(struct target *t);
/*
 * The targets of a command: -t, the TARGET argument (a URL or a remote's
 * name), else the only or the `default` remote; sorted, without duplicates.
 * None and several remotes: they are listed, STATUS_USAGE.  No deploy.conf:
 * STATUS_USAGE without a hint, and main shows the usage.
 */
int targets_choose(struct targets *t, const struct project *p,
	const struct options *o, const char *argument, struct error *err);
/*
 * The tree that is deployed to all of the targets: DIR, else `dir' of their
 * remote, else of [app], else the project's directory.  Only now need it be
 * there: [local] before may make it.
 */
int project_find_tree(struct project *p, const struct targets *t,
	struct error *err);
/* Whether deploy.conf has that remote. */
bool project_has_remote(const struct project *p, const char *name);
void targets_release(struct targets *t);

#endif
