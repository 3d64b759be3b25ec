#include "sshbuf.h"

#include <string.h>

#include "base/buf.h"

int
sshbuf_get_u8(struct sshbuf *b, uint8_t *out)
{
	if (b->len < 1)
		return -1;
	*out = (uint8_t)*b->p++;
	b->len--;
	return 0;
}

int
sshbuf_get_u32(struct sshbuf *b, uint32_t *out)
{
	uint8_t v[4];

	if (b->len < 4)
		return -1;
	memcpy(v, b->p, 4);
	*out = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
		(uint32_t)v[2] << 8 | v[3];
	b->p += 4;
	b->len -= 4;
	return 0;
}

int
sshbuf_get_string(struct sshbuf *b, struct sshbuf *out)
{
	uint32_t len;

	if (sshbuf_get_u32(b, &len) < 0 || len > b->len)
		return -1;
	out->p = b->p;
	out->len = len;
	b->p += len;
	b->len -= len;
	return 0;
}

bool
sshbuf_is(const struct sshbuf *b, const char *text)
{
	return b->len == strlen(text) && memcmp(b->p, text, b->len) == 0;
}

void
sshbuf_put_u32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	buf_add(b, bytes, sizeof(bytes));
}

void
sshbuf_put_string(struct buf *b, const void *data, size_t len)
{
	sshbuf_put_u32(b, (uint32_t)len);
	buf_add(b, data, len);
}
