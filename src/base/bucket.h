/*
 * A token bucket: so many bytes a second, and in one go no more than an
 * eighth of a second's.  Times are io_now_us(); one bucket may limit several
 * senders.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

struct bucket {
	uint64_t rate; /* bytes a second */
	uint64_t most; /* that it holds */
	uint64_t left; /* millionths of a byte */
	int64_t filled;
};

/* Full.  rate is 1 to 2^40. */
void bucket_init(struct bucket *b, uint64_t rate, int64_t now_us);
/*
 * How much may be sent now: 0, or a piece worth a system call, for which
 * bucket_wait() tells how many milliseconds to wait.
 */
size_t bucket_allows(struct bucket *b, int64_t now_us);
int bucket_wait(const struct bucket *b);
void bucket_take(struct bucket *b, size_t bytes);

#endif
