/* Beginnings of files whose upload was cut off are divided by the server. */
#include <string.h>
#include <unistd.h>

#include "server/parts.h"
#include "server/plan_parts.h"

struct search {
	struct plan_search *x;
	struct plan_pieces *t;
};

static int
take(void *arg, int tmp, const char *name)
{
	struct search *s = arg;
	const struct piece place = { .where = PIECE_TMP,
		.path = arena_strndup(&s->x->p->arena, name, strlen(name)) };

	return plan_chunks_look_at(s->x, s->t, tmp, &place);
}

int
plan_chunks_parts(struct plan_search *x, struct plan_pieces *t)
{
	struct search s = { x, t };

	return parts_each(x->s, take, &s);
}

static bool
has_piece(const struct divided *d, const char *name)
{
	uint32_t i;

	for (i = 0; i < d->e->chunks->n; i++) {
		const struct piece *p = d->pieces[i];

		if (p->where == PIECE_TMP && p->path && !strcmp(p->path, name))
			return true;
	}
	return false;
}

static int
drop_unused(void *arg, int tmp, const char *name)
{
	const struct plan *p = arg;
	size_t i;

	for (i = 0; i < p->n_divided; i++)
		if (has_piece(&p->divided[i], name))
			return 0;
	(void)unlinkat(tmp, name, 0);
	return 0;
}

void
plan_chunks_drop_parts(struct plan_search *x)
{
	(void)parts_each(x->s, drop_unused, x->p);
}
