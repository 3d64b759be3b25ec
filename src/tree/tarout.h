/*
 * Writing a tar archive, piece by piece, to whoever takes its bytes, in the
 * form of GNU tar, which every tar reads.  Names are bytes, of any length.
 *
 *	tarout_new  (tarout_entry tarout_data* | tarout_directory)*  tarout_end
 *
 * An archive that was not ended lacks its end mark, and no reader of ours
 * takes it for whole.
 */
#ifndef TREE_TAROUT_H
#define TREE_TAROUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct tarout;

/* Takes the next bytes: 0, or -1 with err, which ends it. */
typedef int tarout_fn(void *arg, const void *data, size_t len,
	struct error *err);

struct tarout_entry {
	const char *path;   /* relative */
	const char *target; /* of a link */
	mode_t mode;        /* its type and permission bits */
	uint64_t size;      /* of a file */
	int64_t time;       /* of its last change, seconds since 1970 */
	uid_t uid;
	gid_t gid;
};

struct tarout *tarout_new(tarout_fn *write, void *arg);
void tarout_free(struct tarout *t);

/* A directory, a link, or a file, whose `size` bytes follow. */
int tarout_entry(struct tarout *t, const struct tarout_entry *e,
	struct error *err);
int tarout_data(struct tarout *t, const void *data, size_t len,
	struct error *err);
/* The end mark; an entry whose bytes did not all come is an error. */
int tarout_end(struct tarout *t, struct error *err);

/*
 * Adds dirfd/name, a file, a link or a directory with all below it, as
 * `path`.  What is of another kind is told to skipped() (may be NULL); what
 * is missing is no error.  A file that changes its size meanwhile is one.
 */
int tarout_tree(struct tarout *t, int dirfd, const char *name, const char *path,
	void (*skipped)(void *arg, const char *path), void *arg,
	struct error *err);

#endif
