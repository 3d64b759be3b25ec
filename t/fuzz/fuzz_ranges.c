/*
 * Line numbers, in one frame or several with NULs between them: what is read
 * ascends up to the most that there may be, in all the ways of looking at it, and
 * is sent as frames that read the same.  A first line may say the most.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOOK_MOST 5000

/* As many frames as there are, up to one that is refused. */
static int
read_frames(struct ranges *r, const char *p, size_t len, uint32_t most)
{
	struct error err = ERROR_INIT;

	for (;;) {
		const char *nul = len ? memchr(p, '\0', len) : NULL;
		size_t n = nul ? (size_t)(nul - p) : len;

		if (ranges_read(r, p, n, most, &err) < 0) {
			assert(err.status == STATUS_TRANSFER);
			return -1;
		}
		if (!nul)
			return 0;
		p += n + 1;
		len -= n + 1;
	}
}

static void
check_lines(const struct ranges *r, uint32_t most)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line, last = 0;
	uint64_t n = 0;

	while (n < LOOK_MOST && ranges_next(r, &at, &line)) {
		assert(line > last && line <= most && ranges_has(r, line));
		assert(line == last + 1 || !ranges_has(r, line - 1));
		last = line;
		n++;
	}
	assert(n == LOOK_MOST || n == ranges_count(r));
	assert(!ranges_has(r, 0) &&
		(last == most || n == LOOK_MOST || !ranges_has(r, last + 1)));
}

/* The same list from what was sent, and one without seams from its lines. */
static void
check_sent(const struct ranges *r, uint32_t most)
{
	struct ranges again = { NULL, 0, 0 };
	struct error err = ERROR_INIT;
	struct channel c;
	struct frame f;
	long n;

	channel_init(&c, -1, -1, false, "nobody");
	ranges_send(&c, "need", r);
	while (c.tx.len) {
		n = frame_parse(c.tx.data, c.tx.len, &f, &err);
		assert(n > 0 && !strcmp(f.type, "need") && f.len);
		assert(ranges_read(&again, f.data, f.len, most, &err) == 0);
		buf_consume(&c.tx, (size_t)n);
	}
	assert(again.n == r->n);
	assert(!r->n || !memcmp(again.v, r->v, r->n * sizeof(*r->v)));
	ranges_release(&again);
	channel_release(&c);
}

static void
check_added(const struct ranges *r)
{
	struct ranges again = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;
	size_t i;

	while (ranges_next(r, &at, &line))
		ranges_add(&again, line);
	assert(ranges_count(&again) == ranges_count(r) && again.n <= r->n);
	for (i = 1; i < again.n; i++)
		assert(again.v[i].first > again.v[i - 1].last + 1);
	ranges_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct ranges r = { NULL, 0, 0 };
	uint32_t most = UINT32_MAX;

	if (size && *p == 'm') {
		const char *nl = memchr(p, '\n', size);

		if (!nl)
			return 0;
		/* Nothing ends the text: strtoul() would pass over the "\n". */
		most = isdigit((unsigned char)p[1]) ?
			(uint32_t)strtoul(p + 1, NULL, 10) :
			0;
		size -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	if (size <= FRAME_MOST && read_frames(&r, p, size, most) == 0) {
		check_lines(&r, most);
		check_sent(&r, most);
		if (ranges_count(&r) <= LOOK_MOST)
			check_added(&r);
	}
	ranges_release(&r);
	return 0;
}
