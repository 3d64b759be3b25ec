/*
 * A growing byte buffer.  `data` is always NUL-terminated once anything was
 * added, so that text can be used as a string; `len` does not count the NUL.
 * Bytes are taken from the front with buf_consume(), which is cheap.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* the first byte not consumed */
	size_t len;
	char *base; /* the allocation */
	size_t cap;
};

#define BUF_INIT \
	{ \
		NULL, 0, NULL, 0 \
	}

void buf_init(struct buf *b);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);

/* Makes room for `more` bytes behind data + len and returns that place. */
char *buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_addstr(struct buf *b, const char *s);
void buf_addch(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void buf_consume(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);

/* The contents as a string; never NULL. */
const char *buf_str(const struct buf *b);
/* Gives the contents to the caller, who frees them, and leaves b empty. */
char *buf_detach(struct buf *b);

#endif
