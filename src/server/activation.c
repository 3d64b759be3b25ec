#include "server/activation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "server/restart.h"

void
subject_release(struct subject *x)
{
	record_release(&x->record);
	hook_settings_release(&x->hooks);
	surroundings_release(&x->around);
}

/* Whether it would migrate, restart or check for a key that may. */
static int
look_for_withheld(struct subject *x, const struct store *s,
	const struct config *c, const struct buf *text, struct error *err)
{
	struct config unlimited = *c;
	struct hook_settings h;

	if (!c->no_hooks || x->record.no_hooks)
		return 0;
	unlimited.no_hooks = false;
	if (hook_settings_load(&h, &unlimited, s->app, buf_str(text), text->len,
		    err) < 0)
		return -1;
	x->withheld = h.migrate.n || h.restart.n || h.check.n || h.unit;
	hook_settings_release(&h);
	return 0;
}

/* The commands of hooks are the release's own, and are to be what it brought. */
static int
load_settings(struct subject *x, const struct store *s, const struct config *c,
	struct buf *text, struct error *err)
{
	if (config_hooks(c, s->app) != HOOKS_TREE)
		return record_settings(s, x->record.id, text, err);
	return record_settings_checked(s, &x->record, text, err);
}

int
subject_load(struct subject *x, struct store *s, const struct config *c,
	const char *id, const char *previous, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = -1;

	memset(x, 0, sizeof(*x));
	x->around.cwd = -1;
	if (record_load(s, id, &x->record, err) == 0 &&
		load_settings(x, s, c, &text, err) == 0 &&
		hook_settings_load(&x->hooks, c, s->app, buf_str(&text),
			text.len, err) == 0 &&
		look_for_withheld(x, s, c, &text, err) == 0)
		rc = surroundings_open(&x->around, s, c, previous, &x->record,
			err);
	buf_release(&text);
	/* Nor does a rollback by somebody else run what such a key brought. */
	if (rc == 0 && x->record.no_hooks &&
		config_hooks(c, s->app) == HOOKS_TREE)
		hook_settings_drop(&x->hooks);
	if (rc < 0)
		subject_release(x);
	return rc;
}

int
subject_may_go_live(const struct subject *x, struct error *err)
{
	if (!x->withheld)
		return 0;
	error_status(err, STATUS_REFUSED,
		"%s has hooks that have to run, and this key has --hooks none",
		x->record.id);
	return error_hint(err, "somebody with another key has to do it");
}

void
activation_enter(struct activation *a, const char *stage)
{
	a->failed = stage;
	a->host->stage(a->host->arg, stage);
}

int
activation_try(struct activation *a)
{
	return restart_release(&a->new, a->host, &a->failed, a->err);
}

static void
replace_text(char **field, const char *text)
{
	free(*field);
	*field = text ? mem_strdup(text) : NULL;
}

/*
 * What is noted behind a switch cannot undo it: where that fails, on a full
 * disk say, the person is told, and the next deploy finds it unfinished.
 */
static void
say_unnoted(struct activation *a, const struct error *err)
{
	a->host->note(a->host->arg, err->text);
	if (!*a->unnoted.text)
		a->unnoted = *err;
}

static void
save_or_say(struct activation *a, const struct record *r)
{
	struct error err = ERROR_INIT;

	if (record_save(a->s, r, &err) < 0)
		say_unnoted(a, &err);
}

static void
append_or_say(struct activation *a, const char *event, const char *text)
{
	struct error err = ERROR_INIT;

	if (history_append(a->s, event, a->new.record.id, a->was, a->o->who,
		    text, &err) < 0)
		say_unnoted(a, &err);
}

/* The release is live, not checked yet. */
static void
note_switched(struct activation *a)
{
	struct record *r = &a->new.record;

	replace_text(&r->state, "live");
	if (!r->went_live && *a->was)
		replace_text(&r->previous, a->was);
	r->went_live = true;
	r->checked = false;
	r->activated = (uint64_t)time(NULL);
}

static int
point_current(struct activation *a, const char *id, struct error *err)
{
	return *id ? store_switch(a->s, id, err) : store_switch_none(a->s, err);
}

/* Whether what is live has the very tree and settings of the new one. */
static bool
same_tree(struct activation *a)
{
	struct error ignored = ERROR_INIT;
	const struct record *new = &a->new.record;
	struct record r = { 0 };
	bool same = record_load(a->s, a->live, &r, &ignored) == 0 &&
		!strcmp(r.tree, new->tree) &&
		!strcmp(r.settings, new->settings);

	record_release(&r);
	return same;
}

int
activation_switch(struct activation *a)
{
	bool rollback = a->o->kind == ACTIVATE_ROLLBACK;
	bool holds = rollback && *a->live && !same_tree(a);
	struct error ignored = ERROR_INIT;

	a->host->stage(a->host->arg, "switch");
	if (history_append(a->s, "switching", a->o->release, a->was, a->o->who,
		    rollback ? HISTORY_ROLLBACK : "", a->err) < 0)
		return -1;
	/* Before it: cron must not undo the rescue if this is cut off. */
	if (holds)
		activation_hold(a->s, a->live, true);
	if (store_switch(a->s, a->o->release, a->err) == 0) {
		note_switched(a);
		/* Where nothing is restarted or checked it says so at once. */
		if (restart_takes_time(&a->new.hooks))
			save_or_say(a, &a->new.record);
		return 0;
	}
	store_trouble(a->err);
	/* It may have been renamed and not synced. */
	(void)point_current(a, a->live, &ignored);
	if (holds)
		activation_hold(a->s, a->live, false);
	append_or_say(a, "reverted", a->err->text);
	return -1;
}

void
activation_succeeded(struct activation *a)
{
	struct record *r = &a->new.record;

	a->failed = NULL;
	/* A crash may have come between the switch and its note. */
	if (!r->went_live)
		note_switched(a);
	replace_text(&r->state, "live");
	replace_text(&r->reason, NULL);
	r->checked = true;
	r->held = false;
	save_or_say(a, r);
	append_or_say(a, a->o->kind == ACTIVATE_ROLLBACK ? "rollback" : "live",
		"");
}

/* The new one's record, after the link points back. */
static void
note_reverted(struct activation *a, const char *event, const char *why)
{
	struct record *r = &a->new.record;

	replace_text(&r->state, "reverted");
	replace_text(&r->reason, why);
	r->held = true;
	r->checked = false;
	save_or_say(a, r);
	if (a->o->kind == ACTIVATE_ROLLBACK && *a->was)
		activation_hold(a->s, a->was, false);
	append_or_say(a, event, why);
}

/*
 * What is live although switching back failed: `status` tells why it is not
 * checked, until restart and check pass.
 */
static void
note_broken(struct activation *a, const char *why)
{
	struct error ignored = ERROR_INIT;
	char live[RELEASE_ID_LEN + 1];
	struct record r = { 0 };

	if (store_current(a->s, live, &ignored) == 0 && *live &&
		record_load(a->s, live, &r, &ignored) == 0) {
		if (!strcmp(live, a->new.record.id))
			replace_text(&r.state, "live");
		replace_text(&r.reason, why);
		r.checked = false;
		save_or_say(a, &r);
	}
	record_release(&r);
}

static int
broken(struct activation *a, const char *why, const struct error *then)
{
	char *text = mem_printf("%s; and switching back failed: %s", why,
		then->text);

	note_reverted(a, "broken", text);
	note_broken(a, text);
	free(text);
	error_status(a->err, STATUS_BROKEN,
		"%s; and switching back to %s failed: %s", why,
		*a->was ? a->was : "nothing", then->text);
	return error_hint(a->err,
		"a person is needed on the server: see deploy log");
}

/* The one before is live again: it has to run as well. */
static int
restart_old(struct activation *a, struct error *err)
{
	struct subject old;
	int rc = subject_load(&old, a->s, a->c, a->was, "", err);

	if (rc < 0)
		return -1;
	rc = restart_release(&old, a->host, &a->failed, err);
	/* Pushing its tree once more then repeats restart and check. */
	old.record.checked = rc == 0;
	save_or_say(a, &old.record);
	subject_release(&old);
	return rc;
}

int
activation_back(struct activation *a)
{
	const char *failed = a->failed;
	struct error then = ERROR_INIT;
	char why[1024], hint[512];
	int rc;

	snprintf(why, sizeof(why), "%.900s", a->err->text);
	snprintf(hint, sizeof(hint), "%.500s", a->err->hint);
	append_or_say(a, "back", why);
	a->host->stage(a->host->arg, "back");
	rc = point_current(a, a->was, &then);
	if (rc == 0 && *a->was)
		rc = restart_old(a, &then);
	a->failed = failed;
	if (rc < 0)
		return broken(a, why, &then);
	note_reverted(a, "reverted", why);
	error_status(a->err, STATUS_REVERTED, "%s; switched back, %s is live",
		why, *a->was ? a->was : "nothing");
	return error_hint(a->err,
		"%s%sthis tree is held: deploy it again with "
		"--force; its log: deploy log",
		hint, *hint ? "; then: " : "");
}

void
activation_hold(struct store *s, const char *id, bool held)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };

	if (record_load(s, id, &r, &ignored) == 0 && r.held != held) {
		r.held = held;
		record_save(s, &r, &ignored);
	}
	record_release(&r);
}
