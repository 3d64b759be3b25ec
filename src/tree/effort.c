#include "tree/effort.h"

#include <stdbool.h>
#include <string.h>

#include "base/zstream.h"

/* Samples before it rises: a peer may be slow to start. */
#define PAUSE 4
#define PATIENCE_MOST 64

/*
 * Packed bytes a second up to which an effort is tried, for each thread: at
 * most three quarters of what one core of 2020 makes of text, and little
 * enough not to take what the encryption needs.
 */
static const uint64_t affordable[ZEFFORT_MOST + 1] = { UINT64_MAX, 6500000,
	3500000, 2000000, 1400000 };

void
effort_init(struct effort *e, int threads)
{
	memset(e, 0, sizeof(*e));
	e->threads = threads;
	e->pause = e->patience = PAUSE;
}

/* The most that this link leaves time for. */
static int
highest(const struct effort *e)
{
	uint64_t rate = e->packed * 1000000 / (uint64_t)(e->us + 1);
	int i = ZEFFORT_MOST;

	while (affordable[i] < rate / (uint64_t)e->threads)
		i--;
	return i;
}

int
effort_sample(struct effort *e, const struct effort_sample *s)
{
	e->us = e->us - e->us / 4 + s->us;
	e->packed = e->packed - e->packed / 4 + s->packed;
	if (e->pause)
		e->pause--;
	if (s->waited > s->us / 4) {
		if (!e->pause && highest(e) > e->now) {
			e->now = highest(e);
			e->pause = PAUSE;
		}
	} else if (s->starved > s->us / 8 && s->compressed > s->us / 2 &&
		e->now > 0) {
		e->now--;
		/* What was too much once will be so again. */
		e->pause = e->patience;
		if (e->patience < PATIENCE_MOST)
			e->patience *= 2;
	}
	if (e->now > e->most)
		e->most = e->now;
	return e->now;
}
