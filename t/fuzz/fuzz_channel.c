/*
 * A channel: whatever comes before the magic line is passed over, and what
 * comes behind it are the same frames, or the same refusal, in whatever pieces
 * it arrives.  The first byte says how large these are.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MOST 60000 /* a pipe holds it, and it is not too much noise */

/* What is to come: the next frame at *p, as channel_next() has it. */
static int
expect(const char **p, const char *end, struct frame *f)
{
	struct error err = ERROR_INIT;
	long n = frame_parse(*p, (size_t)(end - *p), f, &err);

	if (n > 0)
		*p += n;
	return n > 0 ? 1 : (int)n;
}

/* All frames that have come so far; false if the last is a refusal. */
static bool
take(struct channel *c, const char **p, const char *end)
{
	struct error err = ERROR_INIT;
	struct frame f, g;
	int rc;

	while ((rc = channel_next(c, &f, &err)) > 0) {
		assert(expect(p, end, &g) == 1 && !strcmp(f.type, g.type));
		assert(f.len == g.len && !memcmp(f.data, g.data, f.len));
	}
	if (rc < 0)
		assert(err.text[0]);
	return rc == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t magic = strlen(PROTOCOL_MAGIC);
	const char *s = (const char *)data + 1,
		   *end = (const char *)data + size;
	const char *p;
	struct error err = ERROR_INIT;
	struct channel c;
	struct frame f;
	bool good = true;
	int fds[2];

	if (size < 2 || size > INPUT_MOST || pipe(fds) < 0)
		return 0;
	p = memmem(s, size - 1, PROTOCOL_MAGIC, magic);
	p = p ? p + magic : NULL;
	channel_init(&c, fds[0], -1, true, "the peer");
	while (good && s < end) {
		size_t n = 1 + (size_t)data[0] * 16;

		if (n > (size_t)(end - s))
			n = (size_t)(end - s);
		assert(io_write_full(fds[1], s, n) == 0);
		s += n;
		assert(channel_pump(&c, true, false, &err) == 0);
		good = take(&c, &p, end);
	}
	close(fds[1]);
	if (good) {
		assert(channel_pump(&c, true, false, &err) == 0 && c.eof);
		good = take(&c, &p, end);
	}
	/* Without the magic line all of it, or a part of the line, is left. */
	if (!p)
		assert(c.wants_magic && (!good || c.rx.len < magic));
	else
		assert(expect(&p, end, &f) == (good ? 0 : -1));
	channel_release(&c);
	close(fds[0]);
	return 0;
}
