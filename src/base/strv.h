/* A list of strings that it owns; `v` always ends with a NULL once used. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;
	size_t n, cap;
};

#define STRV_INIT \
	{ \
		NULL, 0, 0 \
	}

void strv_release(struct strv *l);
void strv_clear(struct strv *l);
void strv_add(struct strv *l, const char *s);
/* Takes a string from malloc. */
void strv_take(struct strv *l, char *s);
bool strv_has(const struct strv *l, const char *s);
/* Adds the words of s that are separated by any byte of `seps`. */
void strv_split(struct strv *l, const char *s, const char *seps);

#endif
