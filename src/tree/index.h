/*
 * The index: a cache of what files hashed to, by path, valid while inode,
 * size, mtime and ctime (nanoseconds) are as recorded.  An entry whose mtime
 * or ctime is not older than the moment index_new() or index_load() was
 * called, before anything was hashed, is never trusted: the file may have
 * changed once more in that same tick of the clock (git calls such an entry
 * racily clean).  Times in whole seconds, as some file systems keep, must be
 * two seconds older.  Deleting it, or damaging it, is always safe: a file
 * that does not verify (it carries its own SHA-256) reads as empty.
 *
 * Both programs use it: the client for its tree, the server for a release.
 *
 * The file: a line that names its form; the moment, in nanoseconds; for each
 * path, in order, inode, size, mtime, ctime, digest and the path with a NUL,
 * and if the file is larger than CHUNK_FILE the number of its chunks and each
 * one's offset and digest; the SHA-256 of all this.  Numbers are as this
 * machine writes them, of 64 bits, that of chunks of 32.
 */
#ifndef TREE_INDEX_H
#define TREE_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"

struct chunks; /* manifest.h */
struct stat_index;

/* What vouches for a file, in nanoseconds. */
struct index_stat {
	uint64_t inode;
	int64_t size, mtime, ctime;
};

/*
 * An empty index that is to replace dirfd/name; dirfd is borrowed until it is
 * freed.
 */
struct stat_index *index_new(int dirfd, const char *name);
/*
 * Waits a tick of the clock, if it must, so that what has this time, in
 * nanoseconds, will be trusted.  Only for who knows that nobody else changes
 * the file meanwhile.
 */
void index_let_pass(int64_t time);
/*
 * The clock that file systems stamp with, in nanoseconds; and whether a file
 * with these stat data must have other ones if it changes from then on.
 */
int64_t index_moment(void);
bool index_is_settled(const struct stat *st, int64_t moment);
void index_free(struct stat_index *x);

/* The same with what is in dirfd/name; missing or damaged, it is empty. */
struct stat_index *index_load(int dirfd, const char *name);
/*
 * Replaces the file with what was kept and put since index_new() or _load();
 * leaves it alone if that is what was loaded.  At most once.
 */
int index_save(struct stat_index *x, struct error *err);

/*
 * The digest of path if its stat data still hold; what is put is not seen.
 * Fast if paths are asked for in order: little of the file is in memory.
 */
bool index_get(struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE]);
/* The same, and keeps what it finds for the next save. */
bool index_keep(struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE]);
/*
 * The paths that were loaded, in order, valid or not, each up to the next
 * call; NULL if the file does not have them any more.
 */
size_t index_count(const struct stat_index *x);
const char *index_path(struct stat_index *x, size_t i);
/* The same, with the digest that was loaded. */
const char *index_path_digest(struct stat_index *x, size_t i,
	uint8_t digest[static DIGEST_SIZE]);
/*
 * Records path for the next save, where it counts more than what was kept.
 * Paths ascend; nothing before one that was put is kept later.  Only what is
 * kept and put is saved: paths that are gone fall out by themselves.
 */
void index_put(struct stat_index *x, const char *path, const struct stat *st,
	const uint8_t digest[static DIGEST_SIZE]);
struct index_stat index_stat_of(const struct stat *st);
void index_put_stat(struct stat_index *x, const char *path,
	const struct index_stat *st, const uint8_t digest[static DIGEST_SIZE]);

/*
 * How the file that index_get() or index_keep() just gave, larger than
 * CHUNK_FILE, was divided, in an arena; NULL if that is not known.
 */
const struct chunks *index_chunks(struct stat_index *x, struct arena *to);
/* Records that of the path that was put last; no other is larger. */
void index_put_chunks(struct stat_index *x, const struct chunks *c);

#endif
