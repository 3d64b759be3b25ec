/*
 * The times of a release's files.  Each release takes one stamp S: max(now,
 * end of the last build + 1 ns).  A path keeps its time only if content and
 * mode equal those in the tree of the last build begun, failed and rolled
 * back ones included; all else gets S.  So make(1) rebuilds in carried build
 * products exactly what it must.
 *
 * A directory keeps its time if the same names stand directly in it.
 */
#ifndef SERVER_TIMES_H
#define SERVER_TIMES_H

#include "server/store.h"

/*
 * Computes the time (nanoseconds since 1970) of each entry of m, in order,
 * into an array that the caller frees.
 */
int times_compute(const struct store *s, const struct manifest *m,
	int64_t **times, struct error *err);

/* Saves and loads records/ID.times, of n entries. */
int times_load(const struct store *s, const char *id, size_t n, int64_t **out);
int times_save(const struct store *s, const char *id, const int64_t *times,
	size_t n, struct error *err);

/* Notes, synced, that id's build begins, and later that it ended. */
int times_build_begins(const struct store *s, const char *id,
	struct error *err);
int times_build_ended(const struct store *s, const char *id, struct error *err);
/*
 * Notes that id was built without a hook; that may be lost in a power cut,
 * since there are no products to which it matters.
 */
int times_not_built(const struct store *s, const char *id, struct error *err);

#endif
