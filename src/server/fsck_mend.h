/*
 * What is wrong with one release, being mended: fsck_mend.c makes it again,
 * fsck_search.c finds the bytes of files.
 */
#ifndef SERVER_FSCK_MEND_H
#define SERVER_FSCK_MEND_H

#include "base/beneath.h"
#include "server/fsck_parts.h"
#include "server/release_reader.h"

struct mend {
	struct fsck *f;
	const struct record *r;
	struct manifest deployed; /* whose entries the times are of */
	int64_t *times;           /* or NULL: not known */
	mode_t umask;
	int tmp;
	struct beneath at;
	const struct damage *all; /* of n_all */
	size_t n_all;
	struct damage **wanted; /* files without their bytes, by digest */
	size_t n;
	struct release_reader releases;
	struct digest *digest;
	const char *id; /* of the release that is searched */
	bool dry_run;
};

/* Whether an open file has the bytes of e; errno is 0 if not. */
bool mend_has_digest(struct mend *w, int fd, const struct entry *e);
/* In a dry run: whether something can be put in d's place; or why not. */
bool mend_may_put(struct mend *w, struct damage *d);
/*
 * Makes e's file of what is open at `in', if it is its bytes; if not, errno is
 * 0, or why it cannot be made.
 */
bool mend_copy(struct mend *w, const struct entry *e, int in);
/* Mends what is wanted and found; it is put in order. */
int mend_search(struct mend *w);

#endif
