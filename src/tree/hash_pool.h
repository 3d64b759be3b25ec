/* Threads that hash files beside the walk that finds them. */
#ifndef TREE_HASH_POOL_H
#define TREE_HASH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/error.h"

struct chunks; /* manifest.h */
struct kept;   /* kept.h */
struct hash_pool;

/* dirfd is borrowed; no thread is started before there is work for it. */
struct hash_pool *hash_pool_new(int dirfd, int threads);
/*
 * For who checks files that should be there, before any is asked for: one that
 * cannot be read is no end but is given like the others, with a mode of 0 and
 * errno set; none is divided into chunks.
 */
void hash_pool_tolerate(struct hash_pool *p);
/* Before any is asked for: what is read is kept, by `entry'. */
void hash_pool_keep(struct hash_pool *p, struct kept *kept);
/* Gives up what has not been hashed, if anything. */
void hash_pool_free(struct hash_pool *p);

/* Asks for a file; path is borrowed until the pool is freed. */
void hash_pool_add(struct hash_pool *p, const char *path, size_t entry);
/* Bytes read so far. */
uint64_t hash_pool_read(struct hash_pool *p);
/*
 * Waits for all that was asked, at most `ms`; true when it is done or one
 * has failed.
 */
bool hash_pool_wait(struct hash_pool *p, int ms);

/*
 * Takes what came out one by one, in the order asked, and forgets it.  1 with
 * a file, 0 when there is no more yet, -1 with the first failure.  Only the
 * fields of *st that describe contents and mode are filled.  *chunks becomes
 * the pool's, until the next call, or NULL.
 */
int hash_pool_next(struct hash_pool *p, size_t *entry, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], const struct chunks **chunks,
	struct error *err);

#endif
