/*
 * Frames: whatever comes, in pieces of any size, is the same frames or the
 * same refusal, and a frame that is written again is the same bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_frame(const struct frame *f, const char *data, size_t whole)
{
	struct buf again = BUF_INIT;

	assert(strlen(f->type) >= 1 && strlen(f->type) <= FRAME_TYPE_MOST);
	assert(f->len <= FRAME_MOST && whole <= FRAME_HEAD_MOST + FRAME_MOST);
	frame_add(&again, f->type, f->data, f->len);
	assert(again.len == whole && !memcmp(again.data, data, whole));
	buf_release(&again);
}

/* A prefix is never refused if the whole is not, and never complete. */
static void
check_prefix(const char *data, size_t whole)
{
	struct error err = ERROR_INIT;
	struct frame f;
	size_t n;

	for (n = 0; n < whole && n < 64; n++)
		assert(frame_parse(data, n, &f, &err) == 0);
	assert(frame_parse(data, whole - 1, &f, &err) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct error err = ERROR_INIT;
	struct frame f;
	long n;

	while ((n = frame_parse(s, size, &f, &err)) > 0) {
		check_frame(&f, s, (size_t)n);
		check_prefix(s, (size_t)n);
		s += n;
		size -= (size_t)n;
	}
	if (n < 0)
		assert(err.text[0] && err.status == STATUS_TRANSFER);
	return 0;
}
