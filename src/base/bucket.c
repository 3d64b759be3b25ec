#include "base/bucket.h"

#include <assert.h>

#define MILLION 1000000

void
bucket_init(struct bucket *b, uint64_t rate, int64_t now_us)
{
	assert(rate > 0 && rate <= UINT64_C(1) << 40);
	b->rate = rate;
	b->most = rate < 8 ? 1 : rate / 8;
	b->left = b->most * MILLION;
	b->filled = now_us;
}

/* The least that is let out, unless less is asked for. */
static uint64_t
piece(const struct bucket *b)
{
	return b->most < 4 ? 1 : b->most / 4;
}

size_t
bucket_allows(struct bucket *b, int64_t now_us)
{
	uint64_t us = now_us > b->filled ? (uint64_t)(now_us - b->filled) : 0;

	/* A second fills it several times over: no product gets too large. */
	if (us > MILLION)
		us = MILLION;
	b->left += us * b->rate;
	if (b->left > b->most * MILLION)
		b->left = b->most * MILLION;
	b->filled = now_us;
	return b->left / MILLION < piece(b) ? 0 : (size_t)(b->left / MILLION);
}

int
bucket_wait(const struct bucket *b)
{
	uint64_t want = piece(b) * MILLION;

	if (b->left >= want)
		return 0;
	return (int)((want - b->left) / b->rate / 1000) + 1;
}

void
bucket_take(struct bucket *b, size_t bytes)
{
	assert(bytes <= b->left / MILLION);
	b->left -= (uint64_t)bytes * MILLION;
}
