#include "tree/effort.h"

#include <stdbool.h>
#include <string.h>

#include "base/zstream.h"

/* Samples before it rises: a peer may be slow to start. */
#define PAUSE 4
#define PATIENCE_MOST 64
/* What the threads have begun with the old effort comes first. */
#define SETTLE 4

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

static void
change(struct effort *e, int effort)
{
	e->now = effort;
	e->settle = SETTLE;
	if (e->now > e->most)
		e->most = e->now;
}

/* At first at once to where it should be, after a fall with care. */
static void
rise(struct effort *e)
{
	int most = highest(e);

	if (e->pause || most <= e->now)
		return;
	change(e, e->patience == PAUSE ? most : e->now + 1);
}

/* What was too much once will be so again. */
static void
fall(struct effort *e)
{
	if (e->now == 0)
		return;
	change(e, e->now - 1);
	e->pause = e->patience;
	if (e->patience < PATIENCE_MOST)
		e->patience *= 2;
}

/* There was no room: the link is to be spared, or else the processors. */
static void
wait_less(struct effort *e)
{
	if (e->link > e->us / 2)
		rise(e);
	else if (e->link < e->us / 8)
		fall(e);
}

int
effort_sample(struct effort *e, const struct effort_sample *s)
{
	e->us = e->us - e->us / 4 + s->us;
	e->link = e->link - e->link / 4 + s->link;
	e->packed = e->packed - e->packed / 4 + s->packed;
	if (e->pause)
		e->pause--;
	if (e->settle)
		e->settle--;
	else if (s->waited > s->us / 4)
		wait_less(e);
	else if (s->starved > s->us / 8 && s->compressed > s->us / 2)
		fall(e);
	return e->now;
}
