#include "server/activate.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/activation.h"
#include "server/stage.h"
#include "server/switch_lock.h"

/* Parts of it may be lost already, and nobody would be told again. */
static int
check_doubtful(const struct activation *a)
{
	if (!stage_is_doubtful(a->s, a->o->release))
		return 0;
	error_status(a->err, STATUS_REFUSED,
		"%s may not be on disk: it was not waited for, and syncing it "
		"later failed",
		a->o->release);
	return error_hint(a->err,
		"deploy its tree again; `durability = relaxed' in deployd.conf "
		"goes back to it all the same");
}

/* `current` must be what it was when the caller looked. */
static int
check_expected(struct activation *a)
{
	if (store_current(a->s, a->live, a->err) < 0)
		return -1;
	snprintf(a->was, sizeof(a->was), "%s", a->live);
	if (!a->o->expected || !strcmp(a->live, a->o->expected))
		return 0;
	error_status(a->err, STATUS_REFUSED,
		"what is live has changed meanwhile: it is %s",
		*a->live ? a->live : "nothing");
	return error_hint(a->err,
		"look at it with `deploy releases`, then "
		"try again, or use --force");
}

static int
load_new(struct activation *a)
{
	if (check_expected(a) < 0 || check_doubtful(a) < 0 ||
		subject_load(&a->new, a->s, a->c, a->o->release, a->was,
			a->err) < 0)
		return -1;
	/* A check that this deployd cannot make would fail after the switch. */
	if (subject_may_go_live(&a->new, a->err) == 0 &&
		hook_settings_check(&a->new.hooks, a->err) == 0)
		return 0;
	subject_release(&a->new);
	return -1;
}

static int
run_migrate(struct activation *a)
{
	struct subject *x = &a->new;
	struct run_place at = surroundings_place(&x->around, &a->host->hooks);
	enum hook_outcome how;

	if (!x->hooks.migrate.n)
		return 0;
	activation_enter(a, "migrate");
	a->migrated = true;
	how = hooks_run("migrate", &x->hooks.migrate, &at,
		x->hooks.migrate_timeout, a->err);
	if (how == HOOK_CANCELLED)
		a->err->status = STATUS_INT;
	else if (how != HOOK_DONE)
		a->err->status = STATUS_HOOK;
	if (how != HOOK_DONE)
		return -1;
	a->failed = NULL;
	/* It may have written into the release. */
	return stage_sync(a->s, a->err);
}

static void say(const struct activate_host *host, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
say(const struct activate_host *host, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	host->note(host->arg, buf_str(&text));
	buf_release(&text);
}

/* It runs without: what it should be only cannot be told any more. */
static void
say_unverified(const struct activation *a)
{
	struct error ignored = ERROR_INIT;
	const char *id = a->o->release, *why;
	struct record r = { 0 };

	/* A record that cannot be read stops us later. */
	if (record_load(a->s, id, &r, &ignored) < 0)
		return;
	why = store_manifest_fault(a->s, r.manifest);
	if (!path_is_release_of(id, r.tree))
		say(a->host,
			"%s cannot be verified: its record is of another "
			"tree; deploy fsck tells more",
			id);
	else if (why)
		say(a->host, "%s cannot be verified: its manifest %s", id, why);
	record_release(&r);
}

/* migrate runs before the lock: a rollback never waits for it. */
static int
migrate_first(struct activation *a)
{
	int rc;

	if (!a->o->migrate)
		return 0;
	rc = load_new(a);
	if (rc == 0)
		rc = run_migrate(a);
	subject_release(&a->new);
	return rc;
}

/* The last moment at which the client can stop it. */
static int
still_wanted(struct activation *a)
{
	const struct hook_host *h = &a->host->hooks;

	if (h->wait(h->arg, NULL, 0, 0) >= 0)
		return 0;
	return error_status(a->err, STATUS_INT, "cancelled before the switch");
}

static int
activate_locked(struct activation *a)
{
	if (load_new(a) < 0)
		return -1;
	if (!strcmp(a->live, a->o->release)) {
		if (a->new.record.checked)
			return 1;
		/* Live, but it never proved itself: behind it is the other. */
		if (history_previous(a->s, a->was, NULL, a->err) < 0)
			return -1;
	}
	if (still_wanted(a) < 0 || activation_switch(a) < 0)
		return -1;
	if (activation_try(a) < 0)
		return activation_back(a);
	activation_succeeded(a);
	return 0;
}

int
activate_release(struct store *s, const struct config *c,
	const struct activate_options *o, const struct activate_host *host,
	const char **failed, struct error *err)
{
	struct activation a = {
		.s = s, .c = c, .o = o, .host = host, .err = err
	};
	int rc;

	a.new.around.cwd = -1;
	if (o->kind != ACTIVATE_DEPLOY)
		say_unverified(&a);
	rc = stage_settle(s, err);
	if (rc == 0)
		rc = migrate_first(&a);
	if (rc == 0)
		rc = switch_lock_take(s, o->who, o->wait, host, err);
	if (rc == 0) {
		rc = activate_locked(&a);
		subject_release(&a.new);
		store_unlock_switch(s);
	}
	if (rc < 0 && a.migrated && err->status != STATUS_REVERTED &&
		err->status != STATUS_BROKEN)
		/* Whoever reads why nothing was switched must know. */
		error_add(err, "; the database may have changed");
	if (rc < 0 && err->status == STATUS_LOCAL)
		err->status = STATUS_TRANSFER;
	*failed = rc < 0 ? a.failed : NULL;
	return rc;
}

/* One that never went live has a migrate before it, which is not run here. */
static int
check_went_live(struct store *s, const char *id, struct error *err)
{
	struct record r = { 0 };
	int rc = record_load(s, id, &r, err);

	if (rc < 0 && err->status == STATUS_REFUSED)
		error_hint(err,
			"go back to another: deploy releases; deploy fsck "
			"tells what can be done");
	if (rc == 0 && !r.went_live) {
		rc = error_status(err, STATUS_REFUSED,
			"%s was never live, so nothing can be rolled back "
			"to it",
			id);
		error_hint(err, "make it live: deploy activate");
	}
	record_release(&r);
	return rc;
}

/* Releases that were live, and not gone back from. */
static size_t
count_others(const struct store *s)
{
	struct error ignored = ERROR_INIT;
	char live[RELEASE_ID_LEN + 1];
	struct strv ids = STRV_INIT;
	size_t i, n = 0;

	(void)store_current(s, live, &ignored);
	(void)store_releases(s, &ids, &ignored);
	for (i = 0; i < ids.n; i++) {
		struct record r = { 0 };

		n += strcmp(ids.v[i], live) &&
			record_load(s, ids.v[i], &r, &ignored) == 0 &&
			r.went_live && !r.held;
		record_release(&r);
	}
	strv_release(&ids);
	return n;
}

static int
refuse_rollback(const struct store *s, struct error *err)
{
	if (!count_others(s)) {
		error_status(err, STATUS_REFUSED,
			"there is no release to roll back to: none that is "
			"there was live before");
		return error_hint(err, "see what there is: deploy releases");
	}
	error_status(err, STATUS_REFUSED,
		"the history does not tell what was live before");
	return error_hint(err,
		"name the release: deploy releases lists them; deploy fsck "
		"has the history from their records");
}

/* Whoever did not name one is told if it is not the one that was meant. */
static int
choose_rollback(struct store *s, const char *to,
	const struct activate_host *host, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	char gone[RELEASE_ID_LEN + 1];

	if (history_previous(s, id, gone, err) < 0)
		return -1;
	if (to)
		snprintf(id, RELEASE_ID_LEN + 1, "%s", to);
	else if (*gone && *id)
		say(host, "%s was live before, but is not there any more",
			gone);
	if (*id)
		return check_went_live(s, id, err);
	return refuse_rollback(s, err);
}

int
activate_rollback(struct store *s, const struct config *c, const char *to,
	const char *expected, const char *who, uint64_t wait,
	const struct activate_host *host, char went[static RELEASE_ID_LEN + 1],
	const char **failed, struct error *err)
{
	struct activate_options o = {
		.kind = ACTIVATE_ROLLBACK, .who = who, .wait = wait
	};
	char was[RELEASE_ID_LEN + 1];
	int rc;

	*failed = NULL;
	if (store_current(s, was, err) < 0 ||
		choose_rollback(s, to, host, went, err) < 0)
		return -1;
	o.release = went;
	o.expected = expected ? expected : was;
	rc = activate_release(s, c, &o, host, failed, err);
	if (rc == 0)
		host->note(host->arg,
			"migrations and the env file are not undone by "
			"a rollback");
	return rc;
}

/* Cut off before the rename: nothing happened. */
static int
note_undone(struct store *s, const struct history_switch *w, struct error *err)
{
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
	return note_undone(s, &w, err);
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
