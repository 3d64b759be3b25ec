/*
 * While what is new in a spare is synced, next.lock is free (spare.h), and
 * whoever takes next/ over syncs it, too.  But what failed is told only once:
 * so the file next.sync lies there as long as nobody knows how it ended, and
 * has a lock as long as somebody is at it.
 */
#ifndef SERVER_SPARE_SYNC_H
#define SERVER_SPARE_SYNC_H

#include "server/busy.h"
#include "server/store.h"

/* All but the end are for who has next.lock.  A descriptor, or -1. */
int spare_sync_begin(const struct store *s);
/* Takes it. */
void spare_sync_end(const struct store *s, int fd, bool synced);
bool spare_sync_runs(const struct store *s);
/* If one failed, or its process ended at it: nothing of next/ is used. */
void spare_sync_heed(struct store *s);
/* For who has staged in it meanwhile: waits for the end, and if it failed. */
int spare_sync_await(const struct store *s, const struct busy *busy,
	struct error *err);
int spare_sync_check(const struct store *s, struct error *err);

#endif
