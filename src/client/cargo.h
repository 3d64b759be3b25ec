/*
 * What is deployed: the tree with its manifest, its settings and what git
 * knows of it, the same for every target.
 */
#ifndef CLIENT_CARGO_H
#define CLIENT_CARGO_H

#include "client/git.h"
#include "client/options.h"
#include "client/project.h"
#include "tree/index.h"
#include "tree/manifest.h"
#include "tree/scan.h"
#include "tree/source.h"
#include "wire/message.h"

struct cargo {
	const struct project *project;
	struct manifest m;
	struct source source;
	struct kept *kept; /* of what was hashed, or NULL */
	int dirfd;         /* of the tree; -1 with --tar */
	struct scan_result scan;
	struct stat_index *index; /* not saved yet, or NULL */
	struct git_facts git;
	uint64_t files, bytes;
	char *user;     /* who deploys: login@machine */
	int cache;      /* cache.h's handle, or -1 */
	int64_t loaded; /* io_now_ms() */
};

struct cargo_options {
	/*
	 * Whether what is read to be hashed is kept (kept.h), since it will be
	 * sent; it is given cache.h's handle.  May be NULL.
	 */
	bool (*keep)(void *arg, int cache);
	/* scan.h's; may be NULL. */
	void (*decided)(void *arg, const char *path, bool in, const char *rule);
	/* Now and then, so that a conversation does not fall silent. */
	void (*tick)(void *arg);
	void *arg;
};

/*
 * Walks the tree (or reads the archive of --tar) and asks git.  Stops with
 * STATUS_INT when a signal was caught.
 */
int cargo_load(struct cargo *c, const struct project *p,
	const struct options *o, const struct cargo_options *how,
	struct error *err);
/*
 * What the walk learnt, for the next one: whenever nothing else is to be done,
 * at the latest when it is released.
 */
void cargo_save_index(struct cargo *c);
void cargo_release(struct cargo *c);

/* Warns of what looks like secrets among the lines that will be sent. */
void cargo_warn_secrets(const struct cargo *c, const struct ranges *need);
/* A first deploy over 100 MB: says so, with the largest offenders. */
void cargo_warn_size(const struct cargo *c, uint64_t bytes);
/* No hooks, but package.json or the like: a hint. */
void cargo_hint_hooks(const struct cargo *c);

#endif
