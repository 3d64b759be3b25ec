/*
 * Directories that are read ahead of the walk, by threads of their own and by
 * the walk's when it would have to wait.  Those that it needs soonest come
 * first, and how far ahead is bounded.
 */
#ifndef TREE_WALK_AHEAD_H
#define TREE_WALK_AHEAD_H

#include "tree/walk.h"

struct ahead;

/* threads: that read, the caller's among them; 0: one a processor. */
struct ahead *ahead_new(const struct scan_options *o, struct rules *rules);
/* Ends the threads; no directory is freed. */
void ahead_free(struct ahead *a);

/*
 * Does some of the reading, or waits for it a moment; true once d is read,
 * until when the walk goes on calling.
 */
bool ahead_work(struct ahead *a, struct directory *d);

#endif
