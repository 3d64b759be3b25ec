/*
 * How hard to compress what is sent, so that neither the link nor the
 * compressor waits for the other for long: when there is no room for what
 * was packed the link is the slower one, and the effort rises; when nothing is
 * left to send, and it is the compressor that takes the time, it falls.
 *
 * It rises only where the link is so slow that the processors can keep up:
 * a queue may also be full because the peer is busy, as it is where both run
 * on one machine.
 */
#ifndef TREE_EFFORT_H
#define TREE_EFFORT_H

#include <stdint.h>

struct effort {
	int now, most; /* now, and so far; see zstream.h */
	int threads;
	int settle;   /* samples before a change is to be seen */
	int pause;    /* those before it may rise again */
	int patience; /* the next such pause, after a fall */
	/* Of the last few samples. */
	int64_t us;
	uint64_t packed;
};

/* One stretch of the stream; times in microseconds. */
struct effort_sample {
	int64_t us;         /* it took */
	int64_t waited;     /* of that: for room in the queue */
	int64_t compressed; /* in the compressor */
	int64_t starved;    /* the link, for want of bytes */
	uint64_t packed;    /* bytes that came out */
};

void effort_init(struct effort *e, int threads);
/* Takes a sample of 1 MiB or more; returns e->now. */
int effort_sample(struct effort *e, const struct effort_sample *s);

#endif
