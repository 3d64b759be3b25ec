/*
 * Events that the history has lost, as far as records have them: when a
 * release was switched to last, and what it replaced.
 */
#include "server/fsck_parts.h"

#include <stdlib.h>
#include <string.h>

#include "server/history_file.h"

#define NAMED_MOST 8
#define WHO "fsck"

struct lost {
	int64_t time;
	char *id, *from;
	bool undone; /* it was gone back from */
};

struct losses {
	struct lost *v;
	size_t n, cap;
	struct strv switched; /* what the history has */
	char live[RELEASE_ID_LEN + 1];
};

static int
note_switched(const struct event *e, void *arg)
{
	struct losses *x = arg;

	if (!strcmp(e->name, "switching"))
		strv_add(&x->switched, e->id);
	return 0;
}

static void
look_at(struct losses *x, const struct store *s, const struct record *r)
{
	bool live = !strcmp(r->id, x->live);
	bool undone = r->held || !strcmp(r->state, "reverted");

	if ((!r->went_live && !live) || strv_has(&x->switched, r->id) ||
		!store_has_release(s, r->id))
		return;
	MEM_GROW(x->v, x->n, x->cap);
	x->v[x->n++] = (struct lost){
		.time = (int64_t)(r->activated ? r->activated : r->created),
		.id = mem_strdup(r->id),
		.from = mem_strdup(r->previous ? r->previous : ""),
		.undone = undone && !live
	};
}

/* What is live came last. */
static int
compare(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int
find(struct fsck *f, struct losses *x)
{
	struct error ignored = ERROR_INIT;
	struct strv ids = STRV_INIT;
	size_t i;
	int rc = -1;

	(void)store_current(f->s, x->live, &ignored);
	if (history_each(f->s, note_switched, x, f->err) == 0 &&
		record_list(f->s, &ids, f->err) == 0)
		rc = 0;
	for (i = 0; rc == 0 && i < ids.n; i++) {
		struct record r = { 0 };

		if (record_load(f->s, ids.v[i], &r, &ignored) == 0)
			look_at(x, f->s, &r);
		record_release(&r);
	}
	if (x->n)
		qsort(x->v, x->n, sizeof(*x->v), compare);
	strv_release(&ids);
	return rc;
}

static void
add(struct buf *out, const struct lost *l)
{
	history_line(out, l->time, "switching", l->id, l->from, WHO,
		"from its record");
	history_line(out, l->time, l->undone ? "reverted" : "live", l->id,
		l->from, WHO, "from its record");
}

/* A line of the history is of a later time, or tells what replaced it. */
static bool
precedes(const struct lost *l, const char *line, size_t len)
{
	int64_t time = strtoll(line, NULL, 10);

	return (time && l->time < time) ||
		memmem(line, len, l->id, strlen(l->id));
}

/* What there is stays as it is, with the others between. */
static bool
merge(const struct store *s, const struct buf *old, struct buf *text, void *arg)
{
	const struct losses *x = arg;
	const char *p = buf_str(old), *end = p + old->len, *nl;
	size_t i = 0;

	(void)s;
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		while (i < x->n &&
			precedes(&x->v[i], p, (size_t)((nl ? nl : end) - p)))
			add(text, &x->v[i++]);
		if (!nl) {
			buf_add(text, p, (size_t)(end - p));
			buf_addstr(text, " \n"); /* as history_add() */
			break;
		}
		buf_add(text, p, (size_t)(nl + 1 - p));
	}
	while (i < x->n)
		add(text, &x->v[i++]);
	return true;
}

static void
tell(struct fsck *f, struct losses *x)
{
	struct buf how = BUF_INIT, advice = BUF_INIT;
	struct fsck_fault fault = { ".deployd/history", NULL,
		"written from their records", NULL };
	struct error why = ERROR_INIT;
	bool mended;
	size_t i;

	buf_addstr(&how, "lacks what was live:");
	for (i = 0; i < x->n && i < NAMED_MOST; i++)
		buf_addf(&how, " %s", x->v[i].id);
	if (i < x->n)
		buf_addf(&how, " and %zu more", x->n - i);
	mended = f->o->dry_run ||
		history_rewrite(f->s, merge, x, false, &why) == 0;
	buf_addf(&advice, "%s; until then name the release when rolling back",
		why.text);
	fault.how = buf_str(&how);
	fault.advice = buf_str(&advice);
	fsck_tell(f, &fault, mended);
	buf_release(&how);
	buf_release(&advice);
}

int
fsck_history(struct fsck *f)
{
	struct losses x = { .v = NULL };
	int rc = find(f, &x);
	size_t i;

	if (rc == 0 && x.n)
		tell(f, &x);
	for (i = 0; i < x.n; i++) {
		free(x.v[i].id);
		free(x.v[i].from);
	}
	free(x.v);
	strv_release(&x.switched);
	return rc;
}
