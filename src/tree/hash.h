/*
 * Hashing one file of a tree, and dividing a large one into chunks in the same
 * read: beside it, in a thread of its own, where it is so large that it is
 * worth that.  One that changes while it is read is read
 * again, up to three times, then it is an error that names it.
 */
#ifndef TREE_HASH_H
#define TREE_HASH_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/digest.h"
#include "base/error.h"
#include "tree/chunk.h"
#include "tree/kept.h"

/* What a thread reads files with, one after the other. */
struct hash_reader {
	struct beneath at;
	struct digest *digest;
	struct chunker chunker;
	char *buffer;
	atomic_bool *stop; /* leaves off within a file; or NULL */
	uint64_t read;     /* bytes, in all tries */
	struct kept *kept; /* borrowed; NULL, as it is at first: keep nothing */
	struct kept_file *whole; /* see hash_reader_file() */
};

/* dirfd and stop are borrowed. */
void hash_reader_init(struct hash_reader *r, int dirfd, atomic_bool *stop);
void hash_reader_release(struct hash_reader *r);
/*
 * Hashes the regular file at path, reached without following a link; *st
 * becomes what fstat(2) said before and after.  *chunks, which may be NULL,
 * becomes those of a file larger than CHUNK_FILE, else NULL; the caller frees
 * them.  A failure leaves errno, EBUSY for one that keeps changing.  Where
 * r->kept has room, r->whole becomes the contents that were hashed, else NULL:
 * the caller adds them.
 */
int hash_reader_file(struct hash_reader *r, const char *path, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], struct chunks **chunks,
	struct error *err);

/* The same for a single file, without its chunks. */
int hash_file(int dirfd, const char *path, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], struct error *err);

#endif
