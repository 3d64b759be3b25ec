/*
 * Beginnings of large files whose upload was cut off: tmp/part.PID.  Of which
 * file is not known; whoever sends such a file is asked for what is not in one
 * (plan_chunks_parts.c).  They go with the next plan that has no use for them,
 * where room is short, and with the uploads of a deploy that is done.
 */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "server/store.h"

#define PARTS_PREFIX "part."

/* For each, until fn returns what is not 0. */
typedef int parts_fn(void *arg, int tmp, const char *name);
int parts_each(const struct store *s, parts_fn *fn, void *arg);

/*
 * tmp/in.PID, which nobody writes to any more, becomes one; it is removed if
 * that is not worth it, or where the disk has not as much free besides.
 */
void parts_keep(int tmp, const char *name, uint64_t reserve);
/* So do those of sessions that were killed.  The caller holds the lock. */
void parts_adopt(const struct store *s, uint64_t reserve);

/* Moves them to trash/; whether there were any. */
bool parts_drop(const struct store *s);

#endif
