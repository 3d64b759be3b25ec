#include "buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
buf_init(struct buf *b)
{
	memset(b, 0, sizeof(*b));
}

void
buf_release(struct buf *b)
{
	free(b->base);
	buf_init(b);
}

void
buf_clear(struct buf *b)
{
	b->data = b->base;
	b->len = 0;
	if (b->base)
		b->data[0] = '\0';
}

char *
buf_reserve(struct buf *b, size_t more)
{
	size_t front = b->base ? (size_t)(b->data - b->base) : 0;

	if (b->base && b->cap - front - b->len > more)
		return b->data + b->len;
	if (front) {
		memmove(b->base, b->data, b->len + 1);
		b->data = b->base;
	}
	if (!b->base || b->cap - b->len <= more) {
		size_t cap = b->cap + b->cap / 2;

		if (cap < b->len + more + 1)
			cap = b->len + more + 1;
		if (cap < 64)
			cap = 64;
		b->base = mem_realloc(b->base, cap, 1);
		b->data = b->base;
		b->cap = cap;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	char *p = buf_reserve(b, len);

	if (len)
		memcpy(p, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_addstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addch(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	p = buf_reserve(b, (size_t)n);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (len == b->len) {
		buf_clear(b);
		return;
	}
	b->data += len;
	b->len -= len;
}

void
buf_truncate(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->base)
		b->data[len] = '\0';
}

const char *
buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *
buf_detach(struct buf *b)
{
	char *s;

	buf_reserve(b, 0);
	b->data[b->len] = '\0';
	if (b->data != b->base)
		memmove(b->base, b->data, b->len + 1);
	s = b->base;
	buf_init(b);
	return s;
}
