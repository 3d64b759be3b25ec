/*
 * Stat data of next/, taken by threads ahead of the walk beside the manifest
 * (plan_next.c): each entry costs a system call, and the walk would wait for
 * one after the other.
 *
 * It is only a hint what stands there: what it does not have, or could not
 * reach, the walk looks for itself.
 */
#ifndef SERVER_PLAN_AHEAD_H
#define SERVER_PLAN_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "tree/manifest.h"

struct plan_ahead;

/* Both are borrowed until it is freed.  NULL: it would not be worth it. */
struct plan_ahead *plan_ahead_new(int next, const struct manifest *m);
/*
 * What stands at the path of entry `place`; places ascend.  NULL: nobody
 * looked, or nothing was seen.  Valid up to the next call.
 */
const struct stat *plan_ahead_get(struct plan_ahead *a, size_t place);
void plan_ahead_free(struct plan_ahead *a);

#endif
