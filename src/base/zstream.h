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
/*
 * One for much: it compresses in so many threads of its own, where libzstd
 * can, and its effort may change on the way.  What is behind the change may
 * be a new frame.
 */
struct zout *zout_new_threads(int threads);
void zout_free(struct zout *z);

/*
 * Efforts: 0, with which it begins, takes less time than encrypting what it
 * saves would; each further one takes about twice that of the one before.
 */
#define ZEFFORT_MOST 4
void zout_effort(struct zout *z, int effort);
/*
 * Whether it is worth while to compress this, found by trying; not so for
 * what is compressed already.
 */
bool zout_gains(const void *data, size_t len);
/* Compresses data and adds what comes out to `out`; it cannot fail. */
void zout_write(struct zout *z, const void *data, size_t len, enum zflush flush,
	struct buf *out);

/* window_log bounds the memory that a stream may ask for: 2^window_log. */
struct zin *zin_new(int window_log);
/* One that goes on with the next frame where one ends. */
struct zin *zin_new_frames(int window_log);
void zin_free(struct zin *z);
/*
 * Decompresses some of data[*used..len) into dst and moves *used; call again
 * until *used == len and it gives less than size.  Returns the bytes written
 * to dst, or -1 with err.
 */
long zin_read(struct zin *z, const void *data, size_t len, size_t *used,
	void *dst, size_t size, struct error *err);
/* Whether the end was reached: of the frame. */
bool zin_ended(const struct zin *z);

#endif
