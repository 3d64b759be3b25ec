/* Which lines' files come, in which order. */
#include "server/intake_parts.h"

#include <string.h>

void
intake_expect(struct worker *w, uint32_t line)
{
	if (w->next > w->n / 2 && w->next > 1000) {
		w->n -= w->next;
		memmove(w->expected, w->expected + w->next,
			w->n * sizeof(*w->expected));
		w->next = 0;
	}
	MEM_GROW(w->expected, w->n, w->cap);
	w->expected[w->n++] = line;
}

static int
take_need(struct worker *w, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;
	int rc;

	rc = ranges_read(&r, f->data, f->len, w->m.lines, err);
	/* All that may be asked for, and some of it again. */
	if (rc == 0 &&
		w->n - w->next + ranges_count(&r) > 2 * (uint64_t)w->m.lines)
		rc = error_status(err, STATUS_TRANSFER,
			"more files are announced than the tree has");
	while (rc == 0 && ranges_next(&r, &at, &line))
		intake_expect(w, line);
	ranges_release(&r);
	return rc;
}

/* The need list is complete: what was bad comes behind it, or is named. */
static void
settle(struct worker *w, bool parts)
{
	size_t i;

	w->offering = false;
	w->parts = parts;
	for (i = 0; !parts && i < w->held.n; i++) {
		intake_expect(w, w->held.v[i].first);
		w->bad++;
	}
	ranges_release(&w->held);
}

static int
take_offer(struct worker *w, const struct frame *f, struct error *err)
{
	w->offering = true;
	return take_need(w, f, err);
}

int
intake_take_control(struct worker *w, const struct frame *f, struct error *err)
{
	struct intake_amended what;

	if (!strcmp(f->type, "need") || !strcmp(f->type, "part"))
		return take_need(w, f, err);
	if (!strcmp(f->type, "offer"))
		return take_offer(w, f, err);
	if (!strcmp(f->type, "settled") || !strcmp(f->type, "parts")) {
		settle(w, f->type[0] == 'p');
		return 0;
	}
	/* The stream may end in a frame behind that of its last line. */
	if (!strcmp(f->type, "manifest"))
		return intake_take_manifest(w, f, err);
	if (!strcmp(f->type, "amend"))
		return intake_amend(&w->m, f->data, f->len, &what, err);
	return error_set(err, "an unexpected %s frame", f->type);
}

void
intake_hold(struct worker *w, uint32_t line)
{
	struct ranges *r = &w->held;

	MEM_GROW(r->v, r->n, r->cap);
	r->v[r->n++] = (struct range){ line, line };
}
