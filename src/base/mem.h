/* Allocation that aborts when memory is out; callers bound every length. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zalloc(size_t count, size_t size);
void *mem_realloc(void *old, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Makes room for one more element of an array that grows by half:
 * MEM_GROW(list->v, list->n, list->cap).
 */
#define MEM_GROW(v, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) ? (cap) + (cap) / 2 + 1 : 8; \
			(v) = mem_realloc((v), (cap), sizeof(*(v))); \
		} \
	} while (0)

/* An arena of strings, and more, that are released all at once. */
struct arena {
	struct arena_block *head;
};

#define ARENA_INIT \
	{ \
		NULL \
	}

char *arena_strndup(struct arena *arena, const char *s, size_t len);
/* Aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
/* Moves all of `from` into the arena. */
void arena_join(struct arena *arena, struct arena *from);
void arena_release(struct arena *arena);

#endif
