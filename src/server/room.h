/* What an app takes on disk, and making room. */
#ifndef SERVER_ROOM_H
#define SERVER_ROOM_H

#include "server/config.h"
#include "server/store.h"

/* Fills in the figures of `status`; takes 2 s at most. */
void room_status(const struct store *s, struct msg_status *out);

typedef void room_fn(void *arg, const struct msg_dropped *m);

/*
 * Drops the spare, where less than the reserve is free, what retention does
 * not keep, and what is in trash/, telling fn of each; the bytes are deleted
 * in the background.  The caller holds the lock.
 * A dry run only tells, and needs none.
 */
int room_make(struct store *s, const struct config *c, bool dry_run,
	room_fn *fn, void *arg, struct error *err);

/* What is free once something is gone, as well. */
struct room_gain {
	uint64_t bytes, inodes;
};

/*
 * Adds no less than what goes with these releases, and below `next' with these
 * paths; files with other names, or clones, may take more room yet.
 */
void room_gain(const struct store *s, const struct strv *ids,
	const struct strv *strays, struct room_gain *gain);

#endif
