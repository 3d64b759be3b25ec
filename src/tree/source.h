/*
 * Where the bytes of a tree's files come from when they are sent: a
 * directory, or the spool that an archive was read into.
 */
#ifndef TREE_SOURCE_H
#define TREE_SOURCE_H

#include <stdint.h>

#include "base/beneath.h"
#include "base/error.h"
#include "tree/manifest.h"

struct source {
	int dirfd;         /* of a directory, borrowed, else -1 */
	int spool;         /* of an archive, an unlinked file, else -1 */
	uint64_t *offsets; /* in the spool, by the entry's place */
	bool exact_modes;
	struct beneath at;
};

void source_directory(struct source *s, int dirfd, bool exact_modes);
void source_release(struct source *s);
/*
 * Opens an entry's bytes: a descriptor at its first byte, which the caller
 * closes.  -1 with err (STATUS_LOCAL) naming the path if it vanished or is
 * no regular file any more.
 */
int source_open(struct source *s, const struct manifest *m,
	const struct entry *e, struct error *err);

/*
 * Reads a tar archive (git archive's, or CI's; gzip and zstd filters are
 * undone) into a manifest and a spool.  Sorted and checked like a directory:
 * duplicates, bad paths and devices are refused, each named; hard links
 * become files; missing directories are added; modes become git's unless
 * exact_modes.  name "-" is standard input.  *commit becomes the commit of
 * the pax header that git writes, or NULL; the caller frees it.
 */
int source_archive(struct source *s, const char *name, bool exact_modes,
	struct manifest *m, char **commit, struct error *err);

#endif
