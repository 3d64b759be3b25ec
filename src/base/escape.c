#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"

/* The length of the UTF-8 sequence at s, 0 if it is not one. */
static size_t
decode(const unsigned char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	*code = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff ||
		(*code >= 0xd800 && *code < 0xe000))
		return 0;
	return n;
}

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
		size_t n = decode(p, len, &c);
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
