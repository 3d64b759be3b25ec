#include "mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 65536

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	char data[];
};

static void *
check(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t size)
{
	return check(malloc(size ? size : 1));
}

void *
mem_zalloc(size_t count, size_t size)
{
	return check(calloc(count ? count : 1, size ? size : 1));
}

void *
mem_realloc(void *old, size_t count, size_t size)
{
	return check(reallocarray(old, count ? count : 1, size));
}

char *
mem_strdup(const char *s)
{
	return check(strdup(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	return check(strndup(s, len));
}

char *
mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return check(n < 0 ? NULL : s);
}

/* The next `size` bytes of the arena. */
static char *
arena_take(struct arena *arena, size_t size)
{
	struct arena_block *b = arena->head;

	if (!b || b->size - b->used < size) {
		size_t whole = size > ARENA_BLOCK ? size : ARENA_BLOCK;

		b = mem_alloc(sizeof(*b) + whole);
		b->next = arena->head;
		b->used = 0;
		b->size = whole;
		arena->head = b;
	}
	b->used += size;
	return b->data + b->used - size;
}

char *
arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *p = arena_take(arena, len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	char *p = arena_take(arena, size + align - 1);

	return p + (align - (uintptr_t)p % align) % align;
}

void
arena_join(struct arena *arena, struct arena *from)
{
	struct arena_block **last = &arena->head;

	/* Behind the others: the first block is the one that is filled. */
	while (*last)
		last = &(*last)->next;
	*last = from->head;
	from->head = NULL;
}

void
arena_release(struct arena *arena)
{
	while (arena->head) {
		struct arena_block *next = arena->head->next;

		free(arena->head);
		arena->head = next;
	}
}
