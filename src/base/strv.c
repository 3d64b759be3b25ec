#include "strv.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
strv_clear(struct strv *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	l->n = 0;
	if (l->v)
		l->v[0] = NULL;
}

void
strv_release(struct strv *l)
{
	strv_clear(l);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

void
strv_take(struct strv *l, char *s)
{
	if (l->n + 1 >= l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void
strv_add(struct strv *l, const char *s)
{
	strv_take(l, mem_strdup(s));
}

bool
strv_has(const struct strv *l, const char *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return true;
	return false;
}

void
strv_split(struct strv *l, const char *s, const char *seps)
{
	for (;;) {
		size_t n;

		s += strspn(s, seps);
		n = strcspn(s, seps);
		if (n == 0)
			return;
		strv_take(l, mem_strndup(s, n));
		s += n;
	}
}
