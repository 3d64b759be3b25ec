/*
 * One fsck, shared by the files that are its phases:
 *
 *	fsck.c          their order, the locks, what is live
 *	fsck_layout.c   directories, locks and leftovers
 *	fsck_history.c  the history, as far as records have what it lacks
 *	fsck_record.c   records, by themselves and against the history
 *	fsck_cache.c    uploads, the spare, manifests
 *	fsck_release.c  releases against their manifests
 *	fsck_mend.c     what is wrong with one of them is made again
 *	fsck_search.c   out of the same bytes of another
 */
#ifndef SERVER_FSCK_PARTS_H
#define SERVER_FSCK_PARTS_H

#include <dirent.h>

#include "server/fsck.h"
#include "server/verify.h"

struct fsck {
	struct store *s;
	const struct fsck_options *o;
	struct fsck_sum *sum;
	char live[RELEASE_ID_LEN + 1];
	struct strv releases; /* their IDs */
	struct error *err;
};

/* A fault of the store at path, below the app's directory. */
struct fsck_fault {
	const char *path, *how;
	const char *repair; /* what does away with it */
	const char *advice; /* where that fails, or there is nothing */
};

/*
 * Tells of it; it was repaired if `mended', which in a dry run is what would
 * be.
 */
void fsck_tell(struct fsck *f, const struct fsck_fault *fault, bool mended);
/* The same of a release itself, about which nothing can be done. */
void fsck_tell_release(struct fsck *f, const char *id, const char *how,
	const char *advice);
/* As io_next_name(), but that path cannot be read to its end is told of. */
bool fsck_next_name(struct fsck *f, DIR *dir, const char *path,
	const char **name);
/* A leftover of the store is removed, whatever it is. */
void fsck_drop(struct fsck *f, int dir, const char *name, const char *path);

/* What can be wrong with the locks is repaired before they are taken. */
void fsck_locks(struct fsck *f);
void fsck_layout(struct fsck *f);
void fsck_leftovers(struct fsck *f);
int fsck_history(struct fsck *f);
int fsck_records(struct fsck *f);
/* Whether the record is of the tree that its ID names. */
bool fsck_is_its_tree(const struct record *r);
int fsck_cache(struct fsck *f);
int fsck_release(struct fsck *f, const char *id);

/* What of a release is to be made again. */
struct damage {
	const struct entry *e;
	enum verify_how how;
	mode_t is; /* what stands there instead, of VERIFY_TYPE */
	bool mended;
	int error;  /* why not, or 0: its bytes are nowhere */
	char *from; /* where its bytes were found, or NULL */
};

/* Tells of it. */
void fsck_tell_damage(struct fsck *f, const char *id, const struct damage *d);

/* Makes it again, as far as it can; dir is the release's directory. */
int fsck_mend(struct fsck *f, const struct record *r, int dir, struct damage *v,
	size_t n);

#endif
