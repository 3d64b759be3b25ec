#include "server/activate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/activation.h"
#include "server/built.h"
#include "server/stage.h"
#include "server/switch_lock.h"
#include "server/verify.h"

#define NAMED_MOST 5

/* Parts of it may be lost already, and nobody would be told again. */
static int
check_doubtful(const struct activation *a)
{
	int is = stage_is_doubtful(a->s, a->o->release, a->err);

	if (is == 0)
		return 0;
	if (is < 0)
		return error_prefix(a->err,
			"cannot tell whether %s is on disk: ", a->o->release);
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

/* It runs without: what it should be only cannot be told any more. */
static void
say_unverified(const struct activation *a, const struct record *r)
{
	const char *id = a->o->release;
	const char *why = store_manifest_fault(a->s, r->manifest);
	char *text = NULL;

	if (!path_is_release_of(id, r->tree))
		text = mem_printf("%s cannot be verified: its record is of "
				  "another tree; deploy fsck tells more",
			id);
	else if (why)
		text = mem_printf("%s cannot be verified: its manifest %s", id,
			why);
	if (text)
		a->host->note(a->host->arg, text);
	free(text);
}

/* Files and links of a release, and those that are not there. */
struct missing {
	size_t n, of;
	struct buf names; /* of the first */
};

static int
note_missing(void *arg, const struct entry *e, enum verify_how how)
{
	struct missing *m = arg;

	if (how != VERIFY_MISSING || e->type == ENTRY_DIRECTORY)
		return 0;
	if (m->n++ < NAMED_MOST)
		buf_addf(&m->names, "%s%s", m->names.len ? ", " : "", e->path);
	return 0;
}

static void
look_for_missing(const struct activation *a, const struct record *r,
	struct missing *x)
{
	const struct verify_options o = { .unread = true };
	struct error ignored = ERROR_INIT;
	struct manifest m = MANIFEST_INIT;
	char path[64];
	size_t i;
	int dir;

	snprintf(path, sizeof(path), "releases/%s", a->o->release);
	dir = beneath_open(a->s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (dir >= 0 && built_load(a->s, r, &m, &ignored) == 0)
		(void)verify_tree(dir, &m, &o, note_missing, x, &ignored);
	for (i = 0; i < m.n; i++)
		x->of += m.v[i].type != ENTRY_DIRECTORY;
	manifest_release(&m);
	io_close(&dir);
}

/*
 * What of an old release is gone is told, as nobody else would before it is
 * live.  Hooks and the app may have removed some; what has lost half of its
 * files is no release any more.
 */
static int
check_whole(const struct activation *a, const struct record *r)
{
	struct missing x = { 0, 0, BUF_INIT };
	struct error what = ERROR_INIT;
	int rc = 0;

	look_for_missing(a, r, &x);
	error_set(&what, "%s lacks %zu of %zu files: %s%s", a->o->release, x.n,
		x.of, buf_str(&x.names), x.n > NAMED_MOST ? ", ..." : "");
	if (x.n && 2 * x.n >= x.of && !a->o->force) {
		error_status(a->err, STATUS_REFUSED, "%s", what.text);
		rc = error_hint(a->err,
			"deploy fsck makes again what it can; else go back to "
			"another: deploy releases; --force goes there all the "
			"same");
	} else if (x.n) {
		a->host->note(a->host->arg, what.text);
	}
	buf_release(&x.names);
	return rc;
}

/* What is live already is not gone to. */
static int
look_at_old(const struct activation *a)
{
	struct error ignored = ERROR_INIT;
	char live[RELEASE_ID_LEN + 1];
	struct record r = { 0 };
	int rc = 0;

	if (store_current(a->s, live, &ignored) == 0 &&
		!strcmp(live, a->o->release))
		return 0;
	/* A record that cannot be read stops us later. */
	if (record_load(a->s, a->o->release, &r, &ignored) == 0) {
		say_unverified(a, &r);
		rc = check_whole(a, &r);
	}
	record_release(&r);
	return rc;
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
	*failed = NULL;
	if (o->old && look_at_old(&a) < 0)
		return -1;
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
