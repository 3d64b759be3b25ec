/* A switch that was cut off is finished, or gone back from. */
#include "server/activate.h"

#include <stdio.h>
#include <string.h>

#include "server/activation.h"
#include "server/switch_lock.h"

/*
 * What is live is neither of the two: so the history has lost what came of it,
 * and the record may have it.  When it was done, or 0.
 */
static int64_t
find_done(const struct store *s, const struct history_switch *w,
	const char *live)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };
	int64_t when = 0;

	if (*live && strcmp(live, w->from) != 0 &&
		record_load(s, w->id, &r, &ignored) == 0 && r.went_live &&
		!strcmp(r.state, "live") && (int64_t)r.activated >= w->time)
		when = (int64_t)r.activated;
	record_release(&r);
	return when;
}

/* Cut off before the rename: nothing happened. */
static int
note_undone(struct store *s, const struct history_switch *w, const char *live,
	struct error *err)
{
	int64_t done = find_done(s, w, live);

	if (done)
		return history_append_at(s, done,
			w->rollback ? "rollback" : "live", w->id, w->from,
			"recovery", "from its record", err);
	if (w->rollback)
		activation_hold(s, w->from, false);
	return history_append(s, "reverted", w->id, w->from, "recovery",
		"cut off before the switch", err);
}

/* Nothing is known of that release any more: what is live stays. */
static int
note_lost(struct activation *a)
{
	a->host->note(a->host->arg, a->err->text);
	return history_append(a->s, "broken", a->o->release, a->was, "recovery",
		a->err->text, a->err);
}

/*
 * What cannot be noted would be repeated by each that comes: so before hooks
 * run there is a line in the history, and an outcome that does not get there
 * is an error.
 */
static int
note_recovering(struct activation *a)
{
	return history_append(a->s, "recovering", a->o->release, a->was,
		a->o->who, "", a->err);
}

static int
was_noted(struct activation *a)
{
	if (!*a->unnoted.text)
		return 0;
	*a->err = a->unnoted;
	return -1;
}

/* restart and check are repeated, or switching back is. */
static int
finish_switch(struct store *s, const struct config *c,
	const struct history_switch *w, const struct activate_host *host,
	struct error *err)
{
	struct activate_options o = { .kind = w->rollback ? ACTIVATE_ROLLBACK :
							    ACTIVATE_AGAIN,
		.release = w->id,
		.who = "recovery" };
	struct activation a = {
		.s = s, .c = c, .o = &o, .host = host, .err = err
	};
	int rc = 0;

	snprintf(a.was, sizeof(a.was), "%s", w->from);
	if (subject_load(&a.new, s, c, w->id, w->from, err) < 0)
		return note_lost(&a);
	if (subject_may_go_live(&a.new, err) < 0 || note_recovering(&a) < 0) {
		subject_release(&a.new);
		return -1;
	}
	if (w->back)
		error_set(err, "%s", w->why);
	if (w->back || activation_try(&a) < 0) {
		(void)activation_back(&a);
		host->note(host->arg, err->text);
		rc = err->status == STATUS_REVERTED ? 0 : -1;
	} else {
		activation_succeeded(&a);
	}
	subject_release(&a.new);
	return rc < 0 ? -1 : was_noted(&a);
}

static int
recover_locked(struct store *s, const struct config *c,
	const struct activate_host *host, struct error *err)
{
	char live[RELEASE_ID_LEN + 1];
	struct history_switch w;
	int rc = history_unfinished(s, &w, err);

	if (rc <= 0)
		return rc;
	if (store_current(s, live, err) < 0)
		return -1;
	host->note(host->arg,
		"an earlier deploy was cut off at its switch; it is finished "
		"first");
	if (!strcmp(live, w.id) || (w.back && !strcmp(live, w.from)))
		return finish_switch(s, c, &w, host, err);
	return note_undone(s, &w, live, err);
}

int
activate_recover(struct store *s, const struct config *c,
	const struct activate_host *host, struct error *err)
{
	struct history_switch w;
	int rc = history_unfinished(s, &w, err);

	if (rc <= 0)
		return rc;
	/* Whoever holds switch.lock is still at it: then nothing crashed. */
	if (switch_lock_take(s, "recovery", ACTIVATE_WAIT, host, err) < 0)
		return -1;
	rc = recover_locked(s, c, host, err);
	store_unlock_switch(s);
	return rc;
}
