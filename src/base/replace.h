/*
 * Atomic replacement of small files: readers see the old text or the new,
 * and after a power cut one of the two.
 */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct error;

enum replace_sync {
	REPLACE_FAST, /* no sync: caches, which are checked when read */
	REPLACE_SYNC, /* the file and its directory are on disk on return */
};

/* Writes dirfd/name through dirfd/name.PID.tmp and a rename. */
int replace_file(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, enum replace_sync sync, struct error *err);

/* The same in pieces. */
struct replace {
	int dirfd, fd;
	char tmp[256];
	char place[24]; /* said before its name, "" after replace_begin() */
};

/* dirfd is borrowed until the end. */
int replace_begin(struct replace *r, int dirfd, const char *name, mode_t mode,
	struct error *err);
/* 0, or -1 with errno; then it is to be abandoned. */
int replace_write(struct replace *r, const void *data, size_t len);
/* `name' may be known only now, and differ from that of the beginning. */
int replace_end(struct replace *r, const char *name, enum replace_sync sync,
	struct error *err);
/* Leaves what was there as it was. */
void replace_abandon(struct replace *r);

/*
 * Several at once, which costs hardly more than one: first all are written,
 * then all synced, then all renamed, in the order of adding.
 */
struct replacement;
struct replace_batch {
	struct replacement *v;
	size_t n, cap;
};

#define REPLACE_BATCH_INIT \
	{ \
		NULL, 0, 0 \
	}

/* Takes dirfd, whether or not it fails. */
int replace_add(struct replace_batch *b, int dirfd, const char *name,
	const void *data, size_t len, mode_t mode, struct error *err);
/* Adds what was begun and written, and takes its dirfd, too. */
void replace_keep(struct replace_batch *b, const struct replace *file,
	const char *name);
int replace_all(struct replace_batch *b, enum replace_sync sync,
	struct error *err);
/* Removes what was written and not renamed. */
void replace_release(struct replace_batch *b);

/*
 * Removes what those left that were killed at it, of names in dirfd that begin
 * with `prefix' and with none of `but' (which ends with NULL, or is NULL).
 * Nobody may be at it.
 */
void replace_tidy(int dirfd, const char *prefix, const char *const *but);
/* The same of all names, if last written before that time: some may be at it. */
void replace_tidy_old(int dirfd, time_t before);

/* Points the symbolic link dirfd/name at target; syncs the directory. */
int replace_link(int dirfd, const char *name, const char *target,
	enum replace_sync sync, struct error *err);

#endif
