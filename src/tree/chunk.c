#include "tree/chunk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* 18 and 14 bits; CHUNK_AVERAGE is 2^16. */
#define MASK_EARLY UINT64_C(0x4924924924924800)
#define MASK_LATE UINT64_C(0x4924924924800000)

_Static_assert(CHUNK_MAX <= MANIFEST_CHUNK_MOST, "a chunk is a chunk line");

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
chunker_init(struct chunker *c)
{
	uint64_t state = 0;
	size_t i;

	memset(c, 0, sizeof(*c));
	c->digest = digest_new();
	for (i = 0; i < 256; i++)
		c->gear[i] = splitmix64(&state);
}

void
chunker_release(struct chunker *c)
{
	digest_free(c->digest);
	free(c->v);
	memset(c, 0, sizeof(*c));
}

/* Rolls over the bytes up to `end`; the place behind a boundary, or `end`. */
static size_t
roll(struct chunker *c, const unsigned char *data, size_t at, size_t end,
	uint64_t mask, bool *found)
{
	uint64_t hash = c->hash;

	while (at < end && !*found) {
		hash = (hash << 1) + c->gear[data[at++]];
		*found = !(hash & mask);
	}
	c->hash = hash;
	return at;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many of the bytes belong to the chunk under way; whether it ends. */
static size_t
take(struct chunker *c, const unsigned char *data, size_t len, bool *ends)
{
	size_t had = c->length, at = 0;

	*ends = false;
	if (had < CHUNK_MIN)
		at = smaller(len, CHUNK_MIN - had);
	if (had + at >= CHUNK_MIN && had + at < CHUNK_AVERAGE)
		at = roll(c, data, at, smaller(len, CHUNK_AVERAGE - had),
			MASK_EARLY, ends);
	if (!*ends && had + at >= CHUNK_AVERAGE)
		at = roll(c, data, at, smaller(len, CHUNK_MAX - had), MASK_LATE,
			ends);
	if (had + at == CHUNK_MAX)
		*ends = true;
	return at;
}

static void
end_chunk(struct chunker *c)
{
	struct chunk *new;

	MEM_GROW(c->v, c->n, c->cap);
	new = &c->v[c->n++];
	new->offset = c->offset;
	digest_final(c->digest, new->digest);
	c->offset += c->length;
	c->length = 0;
	c->hash = 0;
}

void
chunker_add(struct chunker *c, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len) {
		bool ends;
		size_t n = take(c, p, len, &ends);

		digest_update(c->digest, p, n);
		c->length += n;
		if (ends)
			end_chunk(c);
		p += n;
		len -= n;
	}
}

struct chunks *
chunker_end(struct chunker *c)
{
	struct chunks *out = NULL;

	if (c->length)
		end_chunk(c);
	if (c->n) {
		out = mem_alloc(sizeof(*out) + c->n * sizeof(*out->v));
		out->n = (uint32_t)c->n;
		memcpy(out->v, c->v, c->n * sizeof(*c->v));
	}
	c->n = 0;
	c->offset = 0;
	return out;
}
