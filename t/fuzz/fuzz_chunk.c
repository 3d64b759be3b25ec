/*
 * Dividing into chunks: whatever the bytes are and in whatever pieces they
 * come, chunks have the same boundaries, their sizes lie between the least
 * and the most, and they add up.  The first byte says how large the pieces
 * are; the others are repeated, shifted a little more each time, until there
 * are enough for several chunks.
 *
 * Sizes are a 64th of what they are, for each byte is looked at twice: the
 * masks of the hash, which are as they are, make ends rarer then, not none.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tree/chunk.h"
#undef CHUNK_MIN
#undef CHUNK_AVERAGE
#undef CHUNK_MAX
#define CHUNK_MIN 256
#define CHUNK_AVERAGE 1024
#define CHUNK_MAX 4096
#include "tree/chunk.c"

#define ENOUGH (CHUNK_MAX * 2 + CHUNK_MIN)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chunks *
divide(const uint8_t *data, size_t len, size_t step)
{
	struct chunker c;
	struct chunks *out;
	size_t at, n;

	chunker_init(&c);
	for (at = 0; at < len; at += n) {
		n = len - at < step ? len - at : step;
		chunker_add(&c, data + at, n);
	}
	out = chunker_end(&c);
	chunker_release(&c);
	return out;
}

static void
check(const struct chunks *c, size_t len)
{
	const struct entry e = { .type = ENTRY_FILE, .chunks = c, .size = len };
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		assert(c->v[i].offset == at);
		assert(chunk_length(&e, i) <= CHUNK_MAX);
		assert(i + 1 == c->n || chunk_length(&e, i) > CHUNK_MIN);
		at += chunk_length(&e, i);
	}
	assert(at == len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text;
	struct chunks *whole, *pieces;
	size_t i;

	if (size < 2)
		return 0;
	text = malloc(ENOUGH);
	for (i = 0; i < ENOUGH; i++)
		text[i] = (uint8_t)(data[1 + i % (size - 1)] +
			i / (size - 1) * 151);
	whole = divide(text, ENOUGH, ENOUGH);
	pieces = divide(text, ENOUGH, 1 + (size_t)data[0] * 19);
	check(whole, ENOUGH);
	assert(whole->n == pieces->n);
	assert(!memcmp(whole->v, pieces->v, whole->n * sizeof(*whole->v)));
	free(whole);
	free(pieces);
	free(text);
	return 0;
}
