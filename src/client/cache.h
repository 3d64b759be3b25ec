/*
 * What the client remembers between runs, below $XDG_CACHE_HOME/deploy (or
 * ~/.cache/deploy): a stat index for each tree, and for each target the
 * manifest that was deployed there last, the next base.  All of it may be
 * deleted at any time; without a home there is no cache.
 */
#ifndef CLIENT_CACHE_H
#define CLIENT_CACHE_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/replace.h"
#include "client/project.h"
#include "tree/index.h"
#include "tree/manifest.h"

/*
 * A handle of the cache's directory, made if missing; -1 with why there is
 * none, or none that only we and root write in.
 */
int cache_open(struct error *err);
/* Removes what deploys left that were killed, a day ago or longer. */
void cache_tidy(int dir);

/* The name of a tree's index: of its absolute path. */
void cache_index_name(const char *tree, char name[static 80]);

/*
 * Loads the manifest deployed last to a target; hex becomes the SHA-256 of
 * its text.  0, or -1 if there is none that reads.
 */
int cache_load_base(int dir, const struct target *t, struct manifest *m,
	char hex[static DIGEST_HEX + 1]);
/* Whether there may be one. */
bool cache_has_base(int dir, const struct target *t);

/*
 * The next base, written before it is known whether it becomes one:
 *
 *	cache_draft_base(dir, t, m, &draft)
 *	cache_keep_draft(&draft) or cache_drop_draft(&draft)
 *
 * A draft that was not made is all zero.
 */
struct cache_draft {
	bool written;
	bool failed; /* it would once more */
	char name[80];
	struct replace file;
};

void cache_draft_base(int dir, const struct target *t, const struct manifest *m,
	struct cache_draft *draft);
void cache_keep_draft(struct cache_draft *draft);
void cache_drop_draft(struct cache_draft *draft);

#endif
