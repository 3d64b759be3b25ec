/*
 * zstd streams, used directly because a conversation needs a flush: what was
 * compressed so far must reach the peer when the send queue runs empty.
 */
#ifndef BASE_ZSTREAM_H
#define BASE_ZSTREAM_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct error;
struct zout; /* a compressor */
struct zin;  /* a decompressor */

/* How a call to zout_write() ends: go on, make all so far readable, end. */
enum zflush { ZFLUSH_NO, ZFLUSH_NOW, ZFLUSH_END };

struct zout *zout_new(int level);
void zout_free(struct zout *z);
/* Compresses data and adds what comes out to `out`; it cannot fail. */
void zout_write(struct zout *z, const void *data, size_t len, enum zflush flush,
	struct buf *out);

/* window_log bounds the memory that a stream may ask for: 2^window_log. */
struct zin *zin_new(int window_log);
void zin_free(struct zin *z);
/*
 * Decompresses some of data[*used..len) into dst and moves *used; call again
 * until *used == len and it gives less than size.  Returns the bytes written
 * to dst, or -1 with err.
 */
long zin_read(struct zin *z, const void *data, size_t len, size_t *used,
	void *dst, size_t size, struct error *err);
/* Whether the stream's end was reached. */
bool zin_ended(const struct zin *z);

#endif
