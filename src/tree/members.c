#include "tree/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

struct entering {
	struct manifest *m;
	uint64_t **offsets;
	size_t cap; /* of the offsets */
	struct refusals *refusals;
	struct error *err;
};

void
members_add(struct members *l, const struct member *f)
{
	MEM_GROW(l->v, l->n, l->cap);
	l->v[l->n] = *f;
	l->v[l->n].nth = l->n;
	l->n++;
}

void
members_release(struct members *l)
{
	arena_release(&l->arena);
	free(l->v);
}

static int
compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = path_compare(x->e.path, y->e.path);

	if (order)
		return order;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

static int
compare_turns(const void *a, const void *b)
{
	const struct member *x = *(struct member *const *)a;
	const struct member *y = *(struct member *const *)b;

	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

/* The first member of that path, or NULL. */
static const struct member *
find_member(const struct members *l, const char *path)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (path_compare(l->v[middle].e.path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == l->n || strcmp(l->v[low].e.path, path) != 0)
		return NULL;
	return &l->v[low];
}

/* Makes a hard link what it is a link to, an earlier member. */
static void
resolve_link(const struct members *l, struct member *f,
	struct refusals *refusals)
{
	const struct member *to = find_member(l, f->hard);
	struct entry *e = &f->e;
	const char *path = e->path;

	if (!to || to->nth >= f->nth ||
		(to->e.type != ENTRY_FILE && to->e.type != ENTRY_LINK)) {
		refusals_add(refusals, path,
			"a hard link to no earlier file of the archive");
		return;
	}
	*e = to->e;
	e->path = path;
	f->offset = to->offset;
}

/* In the archive's order: a link may be to one that came before it. */
static void
resolve_links(struct members *l, struct refusals *refusals)
{
	struct member **links = mem_zalloc(l->n, sizeof(*links));
	size_t i, n = 0;

	for (i = 0; i < l->n; i++)
		if (l->v[i].hard)
			links[n++] = &l->v[i];
	if (n)
		qsort(links, n, sizeof(*links), compare_turns);
	for (i = 0; i < n; i++)
		resolve_link(l, links[i], refusals);
	free(links);
}

static int
put(struct entering *in, const struct entry *e, uint64_t offset)
{
	struct manifest *m = in->m;

	if (m->lines == UINT32_MAX)
		return error_set(in->err, "more entries than a tree may have");
	MEM_GROW(*in->offsets, m->n, in->cap);
	(*in->offsets)[m->n] = offset;
	manifest_add(m, e);
	return 0;
}

static const struct entry *
last_put(const struct entering *in)
{
	return in->m->n ? &in->m->v[in->m->n - 1] : NULL;
}

/*
 * Adds the directory dir if it is missing.  In sorted order what was put last
 * is below it unless it is.  0 if it is no directory, 1, -1.
 */
static int
put_parent(struct entering *in, const char *dir)
{
	const struct entry e = {
		.path = dir, .type = ENTRY_DIRECTORY, .mode = 0755
	};
	const struct entry *last = last_put(in);

	if (!last || !path_below(last->path, dir))
		return put(in, &e, 0) < 0 ? -1 : 1;
	return last->type == ENTRY_DIRECTORY || strcmp(last->path, dir) != 0;
}

static int
put_parents(struct entering *in, const char *path)
{
	char *dir = mem_strdup(path), *slash;
	int rc = 1;

	for (slash = strchr(dir, '/'); slash && rc > 0;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = put_parent(in, dir);
		*slash = '/';
	}
	free(dir);
	return rc;
}

static int
put_member(struct entering *in, const struct member *f)
{
	const struct entry *e = &f->e, *last = last_put(in);
	int rc;

	if (last && !strcmp(last->path, e->path)) {
		if (e->type != ENTRY_DIRECTORY || !entry_equal(last, e))
			refusals_add(in->refusals, e->path,
				"more than once in the archive");
		return 0;
	}
	rc = put_parents(in, e->path);
	if (rc == 0)
		refusals_add(in->refusals, e->path,
			"below what is no directory in the archive");
	if (rc <= 0)
		return rc;
	return put(in, e, f->offset);
}

int
members_enter(struct members *l, struct manifest *m, uint64_t **offsets,
	struct refusals *refusals, struct error *err)
{
	struct entering in = { m, offsets, 0, refusals, err };
	size_t i;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_members);
	resolve_links(l, refusals);
	for (i = 0; i < l->n; i++)
		if (l->v[i].e.type && put_member(&in, &l->v[i]) < 0)
			return -1;
	return 0;
}
