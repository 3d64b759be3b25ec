/*
 * Staging: making next/ equal to a manifest exactly, with the modes and
 * times it shall have, and turning it into releases/ID; and what a release
 * gets besides its tree: links into shared/ and carried build products.
 */
#ifndef SERVER_STAGE_H
#define SERVER_STAGE_H

#include <sys/types.h>

#include "base/strv.h"
#include "server/plan.h"
#include "server/store.h"

struct stage_options {
	const int64_t *times; /* of each entry of the manifest */
	mode_t umask;
	bool spare; /* it is the spare that is staged: tmp/ is left alone, and
	               neither synced is it nor an index written */
	const struct busy *busy;
};

/*
 * Makes next/ equal to p->m out of p's supplies, none of which is
 * SUPPLY_NONE any more, syncs it, and writes next.index.  A file of a release
 * may change before it is copied: then p is outdated, and one that is made anew
 * may find what it held elsewhere.
 */
int stage_tree(struct store *s, struct plan *p, const struct stage_options *o,
	struct error *err);

/* Parts of it.  What was touched is to be on disk. */
struct stage_synced {
	int next;
	const struct plan *p;
	const bool *touched; /* by place in the manifest */
	size_t n;            /* how many of them */
};

int stage_sync_touched(const struct store *s, const struct stage_synced *t,
	struct error *err);
/*
 * Waits a tick of the clock, if it must, so that next.index will vouch for
 * files from that size on; 0 is for all, and for directories and links.
 */
void stage_let_pass(const struct plan *p, uint64_t size);
/*
 * Writes next.index: all is in its place, as p->seen says, and on disk; or on
 * disk is only what was so at the beginning.
 */
int stage_save_index(const struct store *s, const struct plan *p, bool all,
	struct error *err);

/*
 * Moves what next/ holds of p's files, all or part of which was staged, into
 * tmp/HEX, so that p can be staged again in a next/ that is empty.
 */
int stage_take_out(struct plan *p, int next, int tmp);

/* next/ becomes releases/ID, next.index its records/ID.index. */
int stage_commit(struct store *s, const char *id, struct error *err);
/*
 * Removes from next/ what neither belongs to p's tree nor serves elsewhere;
 * then p is to be made anew.
 */
void stage_sweep(struct store *s, const struct plan *p);
/* A failed release goes to trash/. */
int stage_take_away(struct store *s, const char *id, struct error *err);
/*
 * Then its tree becomes next/, so that nothing uploaded is lost, but in new
 * directories (recycle.h): a hook that runs on is not to write into what comes
 * of it, and what it has made is of no use.
 */
void stage_take_back(struct store *s, const char *id);
/*
 * Takes back what a crash left behind: a release that never got further than
 * being staged, or failed and was not taken back any more.
 */
int stage_recover(struct store *s, struct error *err);
/* Whether this is one, unless it is live. */
bool stage_is_left(const struct store *s, const char *id);
/* Forgets uploads that no release took. */
void stage_clear_tmp(struct store *s);

/*
 * Links releases/ID/PATH to shared/PATH for each of `shared`; those that end
 * in a slash are directories, made when missing.  What the tree holds there
 * seeds shared/ once; later it is a warning, which note() gets.
 */
int stage_shared(struct store *s, const char *id, const struct strv *shared,
	void (*note)(void *arg, const char *text), void *arg,
	struct error *err);
/* What the link at a shared path of a release leads to; the caller frees. */
char *stage_shared_target(const char *path);
/* Copies build products from the release `from` ("": none) into id. */
int stage_carry(struct store *s, const char *id, const char *from,
	const struct strv *carry, const struct busy *busy, struct error *err);

/* What a build made must be on disk before the switch. */
int stage_sync(struct store *s, struct error *err);
/*
 * After a sync that failed the kernel takes for written what is not, and a
 * second one would succeed: none of it is used again, the release, if it was
 * that already, by stage_take_back().
 */
void stage_distrust(struct store *s);
/*
 * With full durability: what was staged while it was relaxed is not on disk
 * because some record says so.  stage_settle() waits for all of it; who has
 * next.lock does that once.  With relaxed durability it notes that there will
 * be something to wait for.
 */
bool stage_is_settled(const struct store *s);
int stage_settle(struct store *s, struct error *err);
/*
 * Whether that sync failed, and this release may not be on disk: it is not
 * switched to, and deployed anew where it is live.  With relaxed durability
 * none is doubtful.  -1 with err: that cannot be told.
 */
int stage_is_doubtful(const struct store *s, const char *id, struct error *err);
/* Does so, once none of those is there any more. */
void stage_forget_doubtful(const struct store *s);

#endif
