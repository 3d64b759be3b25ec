#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "utf8.h"

/* Line and paragraph separators and the characters that reorder text. */
static bool
deceives(uint32_t c)
{
	return c == 0x61c || (c >= 0x200e && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
		c == 0xfeff;
}

void
escape_add(struct buf *out, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len) {
		uint32_t c = 0;
		size_t n = utf8_decode((const char *)p, len, &c);
		bool plain = n && c >= 0x20 && !(c >= 0x7f && c < 0xa0) &&
			!deceives(c);
		size_t i;

		if (!n)
			n = 1;
		if (plain)
			buf_add(out, p, n);
		else
			for (i = 0; i < n; i++)
				buf_addf(out, "\\x%02x", p[i]);
		p += n;
		len -= n;
	}
}

char *
escape_dup(const char *s)
{
	struct buf b = BUF_INIT;

	escape_add(&b, s, strlen(s));
	return buf_detach(&b);
}
