/*
 * Where the bytes of a tree's files come from when they are sent: a
 * directory, what was kept of it in memory, or the spool that an archive was
 * read into.
 */
#ifndef TREE_SOURCE_H
#define TREE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/beneath.h"
#include "base/error.h"
#include "tree/kept.h"
#include "tree/manifest.h"
#include "tree/scan.h"

struct source {
	int dirfd;         /* of a directory, borrowed, else -1 */
	int spool;         /* of an archive, an unlinked file, else -1 */
	uint64_t *offsets; /* in the spool, by the entry's place */
	bool exact_modes;
	int64_t since;     /* what changed before that is as it was hashed */
	struct kept *kept; /* borrowed, or NULL */
	struct beneath at;
};

/* To be called before the directory is read. */
void source_directory(struct source *s, int dirfd, bool exact_modes);
void source_release(struct source *s);

/* An entry's bytes, from where it was opened. */
struct source_file {
	int fd;                 /* else -1: */
	struct kept_file *kept; /* that is given up when it is closed */
	size_t at;              /* in it */
	uint64_t size;          /* of the whole file, now */
	/*
	 * It has not changed since the tree was read, by its ctime: the bytes
	 * need not be hashed again to know that (a directory above may have
	 * been replaced; then the server finds it).
	 */
	bool settled;
};

/*
 * 0, or -1 with err (STATUS_LOCAL) naming the path if it vanished or is no
 * regular file any more.  What was kept of a file is had once; who opens it
 * again has the file.
 */
int source_open(struct source *s, const struct manifest *m,
	const struct entry *e, uint64_t offset, struct source_file *f,
	struct error *err);
/* As io_read_full(). */
ssize_t source_read(struct source_file *f, char *buffer, size_t size);
void source_close(struct source_file *f);

/*
 * This thread, and what it starts, opens no file from now on but the
 * source's, and neither runs programs nor connects, where the kernel can see
 * to that.
 */
int source_confine(const struct source *s, struct error *err);

struct source_options {
	const char *name; /* of the archive; "-" is standard input */
	bool exact_modes;
	/* As scan.h has them; called while a pipe is idle, too. */
	void (*progress)(void *arg, uint64_t files, uint64_t bytes);
	bool (*stop)(void *arg);
	void *arg;
};

/*
 * Reads a tar archive (git archive's, or CI's; gzip, zstd, xz and bzip2 are
 * undone) into a manifest, finished, and a spool in TMPDIR or /tmp.  Sorted
 * and checked like a directory: duplicates, bad paths and devices are
 * refused, each named; hard links become files; missing directories are
 * added; modes become git's unless exact_modes.  Ignore files have no say,
 * but version control's files, .deployignore and the deploy.conf at the top
 * are left out.
 *
 * Fills s and *result, which are released by the caller, after a failure
 * too.  *commit becomes the commit of the pax header that git writes, or
 * NULL; the caller frees it.
 */
int source_archive(struct source *s, const struct source_options *o,
	struct manifest *m, struct scan_result *result, char **commit,
	struct error *err);

#endif
