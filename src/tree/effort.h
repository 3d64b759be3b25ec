/*
 * How hard to compress what is sent, so that neither the link nor the
 * compressor waits for the other for long: when there is no room for what
 * was packed, and that waits for the link, the effort rises; when nothing is
 * left to send, and it is the compressor that takes the time, it falls.  It
 * falls too when there is no room because the peer is slow, which no effort
 * mends.
 *
 * It rises only where the link is so slow that the processors can keep up:
 * where nobody can tell the link from the peer, that may be busy.
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
	int64_t us, link;
	uint64_t packed;
};

/* One stretch of the stream; times in microseconds. */
struct effort_sample {
	int64_t us;         /* it took */
	int64_t waited;     /* of that: for room in the queue */
	int64_t link;       /* in which something waited for the link */
	int64_t compressed; /* in the compressor */
	int64_t starved;    /* the link, for want of bytes */
	uint64_t packed;    /* bytes that came out */
};

void effort_init(struct effort *e, int threads);
/* Takes a sample of 1 MiB or more; returns e->now. */
int effort_sample(struct effort *e, const struct effort_sample *s);

#endif
