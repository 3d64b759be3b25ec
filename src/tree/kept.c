#include "tree/kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct slot {
	size_t place;
	struct kept_file *file; /* NULL: it is gone */
};

struct kept {
	size_t most;
	pthread_mutex_t mutex; /* over all that follows */
	size_t used;
	struct slot *v; /* by place */
	size_t n, cap;
};

struct kept *
kept_new(size_t most)
{
	struct kept *k = mem_zalloc(1, sizeof(*k));

	k->most = most;
	pthread_mutex_init(&k->mutex, NULL);
	return k;
}

void
kept_free(struct kept *k)
{
	size_t i;

	if (!k)
		return;
	for (i = 0; i < k->n; i++)
		free(k->v[i].file);
	pthread_mutex_destroy(&k->mutex);
	free(k->v);
	free(k);
}

/* With its slot, and what malloc() and MEM_GROW() add. */
static size_t
cost(size_t size)
{
	return size + sizeof(struct kept_file) + 16 +
		sizeof(struct slot) * 3 / 2;
}

static bool
reserve(struct kept *k, size_t bytes)
{
	bool has;

	pthread_mutex_lock(&k->mutex);
	has = bytes <= k->most - k->used;
	if (has)
		k->used += bytes;
	pthread_mutex_unlock(&k->mutex);
	return has;
}

struct kept_file *
kept_begin(struct kept *k, int64_t size)
{
	struct kept_file *f;

	if (!k || size <= 0 || size > KEPT_FILE ||
		!reserve(k, cost((size_t)size)))
		return NULL;
	f = mem_alloc(sizeof(*f) + (size_t)size);
	f->size = (size_t)size;
	return f;
}

void
kept_cancel(struct kept *k, struct kept_file *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&k->mutex);
	k->used -= cost(f->size);
	pthread_mutex_unlock(&k->mutex);
	free(f);
}

/* Files are hashed nearly in order. */
void
kept_add(struct kept *k, size_t place, struct kept_file *f)
{
	size_t i;

	pthread_mutex_lock(&k->mutex);
	MEM_GROW(k->v, k->n, k->cap);
	for (i = k->n++; i && k->v[i - 1].place > place; i--)
		k->v[i] = k->v[i - 1];
	k->v[i] = (struct slot){ place, f };
	pthread_mutex_unlock(&k->mutex);
}

/* What was in the slot is out of account. */
static struct kept_file *
empty(struct kept *k, struct slot *s)
{
	struct kept_file *f = s->file;

	if (f)
		k->used -= cost(f->size);
	s->file = NULL;
	return f;
}

void
kept_only(struct kept *k, kept_wanted_fn *wanted, void *arg)
{
	size_t i;

	pthread_mutex_lock(&k->mutex);
	for (i = 0; i < k->n; i++)
		if (!wanted(k->v[i].place, arg))
			free(empty(k, &k->v[i]));
	pthread_mutex_unlock(&k->mutex);
}

static int
by_place(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

struct kept_file *
kept_take(struct kept *k, size_t place)
{
	const struct slot key = { .place = place };
	struct kept_file *f = NULL;
	struct slot *s;

	if (!k)
		return NULL;
	pthread_mutex_lock(&k->mutex);
	s = k->n ? bsearch(&key, k->v, k->n, sizeof(*k->v), by_place) : NULL;
	if (s)
		f = empty(k, s);
	pthread_mutex_unlock(&k->mutex);
	return f;
}
