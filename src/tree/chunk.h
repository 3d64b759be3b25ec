/*
 * Dividing a file into chunks where its content says so, by FastCDC (Xia et
 * al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for
 * Data Deduplication", USENIX ATC 2016): what is inserted or removed moves
 * only the boundaries near it.
 *
 * A rolling hash takes in byte after byte, hash = 2 * hash + gear[byte], and
 * begins anew CHUNK_MIN bytes into each chunk.  A chunk ends behind the byte
 * after which the hash has zeros in all bits of a mask, or at CHUNK_MAX.  Up to
 * CHUNK_AVERAGE the mask has two bits more than log2(CHUNK_AVERAGE), then two
 * less, which keeps sizes near the average (the paper's normalized chunking,
 * level 2).  The bits are every third from bit 62 down, so that the last 63
 * bytes have a say.
 *
 * gear[] is the first 256 numbers of SplitMix64 (Steele et al., OOPSLA 2014)
 * from the seed 0.  Two clients that divide alike find more to reuse, no more
 * than that: what a chunk is, its digest says.
 */
#ifndef TREE_CHUNK_H
#define TREE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "tree/manifest.h"

/* Files up to this size are not divided. */
#define CHUNK_FILE (1024 * 1024)

#define CHUNK_MIN (16 * 1024)
#define CHUNK_AVERAGE (64 * 1024)
#define CHUNK_MAX (256 * 1024)

struct chunker {
	uint64_t gear[256];
	uint64_t hash;
	uint64_t offset; /* where the chunk under way began */
	size_t length;   /* of it, so far */
	struct digest *digest;
	struct chunk *v;
	size_t n, cap;
};

void chunker_init(struct chunker *c);
void chunker_release(struct chunker *c);
/* The next bytes of the file, as many as there are. */
void chunker_add(struct chunker *c, const void *data, size_t len);
/*
 * Ends the file: its chunks, which the caller frees, or NULL if nothing was
 * added.  The next byte added begins another file.
 */
struct chunks *chunker_end(struct chunker *c);

#endif
