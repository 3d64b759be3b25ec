#include "wire/manifest_send.h"

#include "base/zstream.h"

/* Text full of random hashes: more than 3 gains nothing. */
#define LEVEL 3

struct sending {
	struct channel *channel;
	struct zout *z;
	struct buf packed;
};

/* Frames as large as they may be, and a smaller one at the end. */
static void
send_frames(struct sending *s, size_t least)
{
	while (s->packed.len >= least && s->packed.len) {
		size_t n = s->packed.len > FRAME_MOST ? FRAME_MOST :
							s->packed.len;

		channel_send(s->channel, "manifest", s->packed.data, n);
		buf_consume(&s->packed, n);
	}
}

static int
send_text(const char *data, size_t len, void *arg)
{
	struct sending *s = arg;

	zout_write(s->z, data, len, ZFLUSH_NO, &s->packed);
	send_frames(s, FRAME_MOST);
	return 0;
}

void
manifest_send(struct channel *c, const struct manifest *base,
	const struct manifest *m)
{
	struct sending s = { c, zout_new(LEVEL), BUF_INIT };

	if (base)
		manifest_difference_text(base, m, send_text, &s);
	else
		manifest_text(m, send_text, &s);
	zout_write(s.z, NULL, 0, ZFLUSH_END, &s.packed);
	send_frames(&s, 0);
	zout_free(s.z);
	buf_release(&s.packed);
}
