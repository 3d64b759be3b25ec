#include "base64.h"

#include <stdint.h>
#include <string.h>

#include "buf.h"

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len; p += 3) {
		size_t n = len < 3 ? len : 3;
		unsigned v = (unsigned)p[0] << 16;

		if (n > 1)
			v |= (unsigned)p[1] << 8;
		if (n > 2)
			v |= p[2];
		buf_addch(out, digits[v >> 18]);
		buf_addch(out, digits[v >> 12 & 63]);
		buf_addch(out, n > 1 ? digits[v >> 6 & 63] : '=');
		buf_addch(out, n > 2 ? digits[v & 63] : '=');
		len -= n;
	}
}

int
base64_decode(struct buf *out, const char *text, size_t len)
{
	unsigned v = 0, bits = 0;
	size_t i;

	while (len && text[len - 1] == '=')
		len--;
	if (len % 4 == 1)
		return -1;
	for (i = 0; i < len; i++) {
		const char *p = text[i] ? strchr(digits, text[i]) : NULL;

		if (!p)
			return -1;
		v = (v << 6 | (unsigned)(p - digits)) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_addch(out, (char)(uint8_t)(v >> bits));
		}
	}
	return 0;
}
