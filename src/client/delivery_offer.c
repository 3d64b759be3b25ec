/*
 * What is offered: files that the base has not, the smallest first, for they
 * cost less than the round trip after which they would be asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "client/delivery_parts.h"

/* Of the tar, before the server has said what it needs. */
#define OFFER_BYTES (256 * 1024)

struct candidates {
	const struct entry **v;
	size_t n, cap;
};

/* Of a member: a header, and whole blocks; a long name costs two more. */
static uint64_t
tar_bytes(const struct entry *e)
{
	uint64_t header = strlen(e->path) > 100 ? 3 * 512 + PATH_MOST : 512;

	return header + (e->size + 511) / 512 * 512;
}

/* One path: b is ours, if it is there and has other bytes than the base's. */
static int
add_changed(const struct entry *a, const struct entry *b, void *arg)
{
	struct candidates *c = arg;

	if (!b || b->type != ENTRY_FILE || !b->size || b->size > OFFER_BYTES ||
		(a && a->type == ENTRY_FILE &&
			!memcmp(a->digest, b->digest, DIGEST_SIZE)))
		return 0;
	MEM_GROW(c->v, c->n, c->cap);
	c->v[c->n++] = b;
	return 0;
}

static int
by_digest(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return memcmp((*x)->digest, (*y)->digest, DIGEST_SIZE);
}

static int
by_size(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	if ((*x)->size != (*y)->size)
		return (*x)->size < (*y)->size ? -1 : 1;
	return (*x)->line < (*y)->line ? -1 : 1;
}

static int
by_line(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return (*x)->line < (*y)->line ? -1 : 1;
}

static void
sort(struct candidates *c, int (*order)(const void *, const void *))
{
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), order);
}

/* Leaves out contents that the base has elsewhere, and doubles. */
static void
drop_held(struct candidates *c, const struct manifest *base)
{
	bool *held = mem_zalloc(c->n + 1, sizeof(*held));
	size_t i, n = 0;

	sort(c, by_digest);
	for (i = 0; c->n && i < base->n; i++) {
		const struct entry *e = &base->v[i], **at;

		if (e->type != ENTRY_FILE)
			continue;
		at = bsearch(&e, c->v, c->n, sizeof(*c->v), by_digest);
		if (at)
			held[at - c->v] = true;
	}
	for (i = 0; i < c->n;) {
		size_t first = i;
		bool here = false;

		for (; i < c->n && !by_digest(&c->v[first], &c->v[i]); i++)
			here |= held[i];
		if (!here)
			c->v[n++] = c->v[first];
	}
	c->n = n;
	free(held);
}

static void
keep_smallest(struct candidates *c)
{
	uint64_t bytes = 0;
	size_t i;

	sort(c, by_size);
	for (i = 0; i < c->n; i++) {
		bytes += tar_bytes(c->v[i]);
		if (bytes > OFFER_BYTES)
			break;
	}
	c->n = i;
}

void
delivery_choose_offer(struct delivery *d)
{
	struct candidates c = { NULL, 0, 0 };
	size_t i;

	if (!d->has_base || d->then == THEN_COMPARE)
		return;
	manifest_pairs(&d->base, &d->m, add_changed, &c);
	drop_held(&c, &d->base);
	keep_smallest(&c);
	sort(&c, by_line);
	for (i = 0; i < c.n; i++)
		ranges_add(&d->offer, c.v[i]->line);
	free(c.v);
}

void
delivery_send_offer(struct delivery *d)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	if (!d->offer.n)
		return;
	cargo_warn_secrets(d->cargo, &d->offer);
	ranges_send(&d->session.channel, "offer", &d->offer);
	while (ranges_next(&d->offer, &at, &line))
		packer_ask(delivery_packer(d), line);
	d->offering = true;
}

void
delivery_forget_offer(struct delivery *d)
{
	if (d->pack)
		packer_undo(d->pack);
	packer_free(d->pack);
	d->pack = NULL;
	d->offering = false;
	d->amended = false;
	ranges_release(&d->offer);
}
