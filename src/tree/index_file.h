/*
 * The file of an index (index.h), of any size, with little of it in memory:
 * where each record of the old one begins, and the end of a new one that is
 * written in order.
 */
#ifndef TREE_INDEX_FILE_H
#define TREE_INDEX_FILE_H

#include "base/buf.h"
#include "base/replace.h"
#include "tree/index.h"

/*
 * What stands before a path; there it is not aligned.  Behind the path and its
 * NUL, if the file is larger than CHUNK_FILE, are the number of its chunks, of
 * 32 bits, and these.
 */
struct index_record {
	struct index_stat stat;
	uint8_t digest[DIGEST_SIZE];
};

/* An index to read from. */
struct index_file {
	int fd; /* -1: there is none */
	int64_t moment;
	uint32_t *v; /* where the records begin, and where the last one ends */
	size_t n;    /* records */
	size_t cap;
};

/* Opens and verifies dirfd/name; false leaves it empty. */
bool index_file_open(struct index_file *f, int dirfd, const char *name);
void index_file_release(struct index_file *f);

/* What was read of it last. */
struct index_window {
	struct buf bytes;
	uint32_t at;
	size_t next; /* the record behind the one asked for last */
};

void index_window_release(struct index_window *w);
/*
 * Record i, up to the next call, and its length; NULL if it cannot be read.
 * Records are read ahead when they are asked for one after the other.
 */
const char *index_file_at(const struct index_file *f, struct index_window *w,
	size_t i, size_t *len);

/* An index that is written. */
struct index_writer {
	struct replace file;
	struct digest *digest; /* NULL: it was not begun, or is done */
	struct buf piece;
	uint64_t size;
	int error; /* errno of the first failure, or 0 */
};

void index_writer_begin(struct index_writer *w, int dirfd, const char *name,
	int64_t moment);
void index_writer_add(struct index_writer *w, const void *data, size_t len);
int index_writer_end(struct index_writer *w, const char *name,
	struct error *err);
/* Gives up what was not ended. */
void index_writer_release(struct index_writer *w);

#endif
