/* What the events say was live, and what was cut off at its switch. */
#include "server/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was live, the latest last, with what rollbacks undid taken off. */
static int
follow(const struct event *e, void *arg)
{
	struct strv *stack = arg;

	if (!strcmp(e->name, "live")) {
		if (!stack->n || strcmp(stack->v[stack->n - 1], e->id))
			strv_add(stack, e->id);
	} else if (!strcmp(e->name, "rollback")) {
		size_t i = stack->n;

		while (i > 0 && strcmp(stack->v[i - 1], e->id))
			i--;
		while (stack->n > i && i > 0)
			free(stack->v[--stack->n]);
		if (i == 0)
			strv_add(stack, e->id);
	}
	return 0;
}

int
history_previous(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	char *gone, struct error *err)
{
	char live[RELEASE_ID_LEN + 1];
	struct strv stack = STRV_INIT;
	size_t i;

	id[0] = '\0';
	if (gone)
		gone[0] = '\0';
	if (store_current(s, live, err) < 0 ||
		history_each(s, follow, &stack, err) < 0) {
		strv_release(&stack);
		return -1;
	}
	i = stack.n;
	/* From where the current one stands, if it is known at all. */
	while (i > 0 && strcmp(stack.v[i - 1], live))
		i--;
	if (i == 0)
		i = stack.n + 1;
	for (i--; i > 0 && !*id; i--) {
		const char *was = stack.v[i - 1];

		if (!strcmp(was, live))
			continue;
		if (!store_lost_release(s, was) && !record_is_lost(s, was))
			snprintf(id, RELEASE_ID_LEN + 1, "%s", was);
		else if (gone && !*gone)
			snprintf(gone, RELEASE_ID_LEN + 1, "%s", was);
	}
	strv_release(&stack);
	return 0;
}

static int
note_live(const struct event *e, void *arg)
{
	char *id = arg;
	const char *is = !strcmp(e->name, "live") ||
			!strcmp(e->name, "rollback") ?
		e->id :
		!strcmp(e->name, "reverted") ? e->from :
					       NULL;

	if (is)
		snprintf(id, RELEASE_ID_LEN + 1, "%s",
			path_is_release(is) ? is : "");
	return 0;
}

int
history_live(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	id[0] = '\0';
	return history_each(s, note_live, id, err);
}

/* The last switch and whether an outcome followed. */
struct unfinished {
	bool open;
	struct history_switch *w;
};

static void
begin_switch(struct history_switch *w, const struct event *e)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->id, sizeof(w->id), "%s", e->id);
	if (path_is_release(e->from))
		snprintf(w->from, sizeof(w->from), "%s", e->from);
	w->time = e->time;
	w->rollback = !strcmp(e->text, HISTORY_ROLLBACK);
}

static int
look_for_unfinished(const struct event *e, void *arg)
{
	struct unfinished *u = arg;

	if (!strcmp(e->name, "switching")) {
		u->open = path_is_release(e->id);
		if (u->open)
			begin_switch(u->w, e);
	} else if (!strcmp(e->name, "back") && u->open) {
		u->w->back = true;
		snprintf(u->w->why, sizeof(u->w->why), "%s", e->text);
	} else if (!strcmp(e->name, "live") || !strcmp(e->name, "rollback") ||
		!strcmp(e->name, "reverted") || !strcmp(e->name, "broken")) {
		u->open = false;
	}
	return 0;
}

int
history_unfinished(const struct store *s, struct history_switch *w,
	struct error *err)
{
	struct unfinished u = { false, w };

	if (history_each(s, look_for_unfinished, &u, err) < 0)
		return -1;
	return u.open;
}
