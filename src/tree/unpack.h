/*
 * The server's end of the files stream: pulls tar members one by one out of
 * a zstd stream that a callback supplies.  Names in it are not looked at.
 */
#ifndef TREE_UNPACK_H
#define TREE_UNPACK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

struct unpack;

/*
 * Gives the next compressed bytes, waiting for them: their count and place,
 * 0 at the end, -1 with err.
 */
typedef ssize_t unpack_pull_fn(void *arg, const void **data, struct error *err);

struct unpack *unpack_new(unpack_pull_fn *pull, void *arg);
void unpack_free(struct unpack *u);

/*
 * Reads the next member's header, which must be a regular file's; *size is
 * what it says.  Waits until one has come.
 */
int unpack_header(struct unpack *u, uint64_t *size, struct error *err);
/* Gets a member's next bytes. */
typedef void unpack_sink_fn(void *arg, const char *data, size_t len);
/*
 * Reads that member's bytes, exactly `size` of them, gives them to sink and
 * hashes them.
 */
int unpack_data(struct unpack *u, uint64_t size, unpack_sink_fn *sink,
	void *arg, uint8_t digest[static DIGEST_SIZE], struct error *err);

#endif
