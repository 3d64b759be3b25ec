/*
 * A tar archive from a file or a pipe: its filter (gzip, zstd, xz, bzip2) is
 * undone and its members come one by one, names as the bytes that they are.
 *
 *	tarball_open  (tarball_next  tarball_data*)*  tarball_commit
 *
 * Errors name the archive, as does one that ends before its end mark.
 */
#ifndef TREE_TARBALL_H
#define TREE_TARBALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct archive_entry;
struct tarball;

/*
 * Opens name, "-" being standard input.  While it waits for bytes, stop(arg),
 * if not NULL, is looked at: true ends it with `interrupted`.  The locale of
 * the thread is C until tarball_close().
 */
struct tarball *tarball_open(const char *name, bool (*stop)(void *arg),
	void *arg, struct error *err);
void tarball_close(struct tarball *t);

/* What messages call it. */
const char *tarball_name(const struct tarball *t);

/*
 * The next member, valid until the next call: 1; 0 at the end, after all
 * that follows it has been read; -1.  Data that were not asked for are passed
 * over.
 */
int tarball_next(struct tarball *t, struct archive_entry **e,
	struct error *err);
/*
 * The member's next bytes and their place in it, valid until the next call:
 * 1; 0 at its end; -1.  Where the places leave a gap there are zeros.
 */
int tarball_data(struct tarball *t, const void **data, size_t *len,
	uint64_t *at, struct error *err);

/*
 * The commit that git archive noted, or NULL, once a member or the end has
 * been read; the caller frees it.
 */
char *tarball_commit(const struct tarball *t);

#endif
