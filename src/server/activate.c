#include "server/activate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"

/* A release with all that its hooks need. */
struct subject {
	struct record record;
	struct hook_settings hooks;
	struct strv env;
	int cwd;
};

/* One activation. */
struct activation {
	struct store *s;
	const struct config *c;
	const struct activate_options *o;
	const struct activate_host *host;
	struct subject new;
	char was[RELEASE_ID_LEN + 1]; /* live before */
	const char *stage;
	struct error *err;
};

static char *
absolute(const struct store *s, const char *directory, const char *name)
{
	return *name ? mem_printf("%s/%s%s", s->path, directory, name) :
		       mem_strdup("");
}

int
activate_surroundings(struct store *s, const char *release,
	const char *previous, const struct record *r, struct strv *env,
	int *cwd, struct error *err)
{
	char *dir = absolute(s, "releases/", release);
	char *before = absolute(s, "releases/", previous);
	char *shared = absolute(s, "shared", "/");
	char *cache = absolute(s, ".deployd/cache", "/");
	struct hook_facts f = { s->app, release, dir, before, shared, cache,
		r->remote ? r->remote : "",
		r->git_commit ? r->git_commit : "" };
	char path[64];
	int rc;

	shared[strlen(shared) - 1] = '\0';
	cache[strlen(cache) - 1] = '\0';
	snprintf(path, sizeof(path), "releases/%s", release);
	rc = hook_environment(s, &f, env, err);
	*cwd = rc < 0 ? -1 :
			beneath_open(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (rc == 0 && *cwd < 0) {
		error_errno(err, "release %s", release);
		err->status = STATUS_REFUSED;
		strv_release(env);
		rc = -1;
	}
	free(dir);
	free(before);
	free(shared);
	free(cache);
	return rc;
}

static void
subject_release(struct subject *x)
{
	record_release(&x->record);
	hook_settings_release(&x->hooks);
	strv_release(&x->env);
	io_close(&x->cwd);
}

/* Loads a release's record, hooks and surroundings. */
static int
subject_load(struct subject *x, struct store *s, const struct config *c,
	const char *id, const char *previous, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = -1;

	memset(x, 0, sizeof(*x));
	x->cwd = -1;
	if (record_load(s, id, &x->record, err) == 0 &&
		record_settings(s, id, &text, err) == 0 &&
		hook_settings_load(&x->hooks, c, s->app, buf_str(&text),
			text.len, err) == 0)
		rc = activate_surroundings(s, id, previous, &x->record, &x->env,
			&x->cwd, err);
	buf_release(&text);
	if (rc < 0)
		subject_release(x);
	return rc;
}

static void
enter(struct activation *a, const char *stage)
{
	a->stage = stage;
	a->host->stage(a->host->arg, stage);
}

/* restart, then check; the stage that failed is in a->stage. */
static int
restart_and_check(struct activation *a, struct subject *x, struct error *err)
{
	const struct hook_host *host = &a->host->hooks;

	if (x->hooks.restart.n) {
		enter(a, "restart");
		if (hooks_run("restart", &x->hooks.restart, x->cwd, &x->env,
			    x->hooks.restart_timeout, host, err) != HOOK_DONE)
			return -1;
	}
	if (x->hooks.check.n) {
		enter(a, "check");
		if (hooks_check(&x->hooks.check, x->cwd, &x->env,
			    x->hooks.check_timeout, host, err) != HOOK_DONE)
			return -1;
	}
	return 0;
}

static int
run_migrate(struct activation *a)
{
	struct subject *x = &a->new;
	struct error *err = a->err;
	enum hook_outcome how;
	size_t len;

	if (!a->o->migrate || !x->hooks.migrate.n)
		return 0;
	enter(a, "migrate");
	how = hooks_run("migrate", &x->hooks.migrate, x->cwd, &x->env,
		x->hooks.migrate_timeout, &a->host->hooks, err);
	if (how == HOOK_DONE)
		return 0;
	err->status = how == HOOK_CANCELLED ? STATUS_INT : STATUS_HOOK;
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len,
		"; the database may have changed");
	return -1;
}

static void
replace_text(char **field, const char *text)
{
	free(*field);
	*field = text ? mem_strdup(text) : NULL;
}

/* The release is live, not checked yet. */
static int
note_switched(struct activation *a)
{
	struct record *r = &a->new.record;

	replace_text(&r->state, "live");
	if (!r->went_live && *a->was)
		replace_text(&r->previous, a->was);
	r->went_live = true;
	r->checked = false;
	r->activated = (uint64_t)time(NULL);
	return record_save(a->s, r, a->err);
}

static int
point_current(struct activation *a, const char *id, struct error *err)
{
	return *id ? store_switch(a->s, id, err) : store_switch_none(a->s, err);
}

static int
make_switch(struct activation *a)
{
	enter(a, "switch");
	if (history_append(a->s, "switching", a->o->release, a->was, a->o->who,
		    "", a->err) < 0 ||
		note_switched(a) < 0)
		return -1;
	return store_switch(a->s, a->o->release, a->err);
}

static int
note_success(struct activation *a)
{
	struct record *r = &a->new.record;

	r->checked = true;
	r->held = false;
	replace_text(&r->reason, NULL);
	if (record_save(a->s, r, a->err) < 0)
		return -1;
	return history_append(a->s,
		a->o->kind == ACTIVATE_ROLLBACK ? "rollback" : "live",
		a->o->release, a->was, a->o->who, "", a->err);
}

/* The new one's record, after the link points back. */
static void
note_reverted(struct activation *a, const char *event, const char *why)
{
	struct record *r = &a->new.record;
	struct error ignored = ERROR_INIT;

	replace_text(&r->state, "reverted");
	replace_text(&r->reason, why);
	r->held = true;
	r->checked = false;
	record_save(a->s, r, &ignored);
	history_append(a->s, event, r->id, a->was, a->o->who, why, &ignored);
}

static int
broken(struct activation *a, const char *why, const struct error *then)
{
	note_reverted(a, "broken", why);
	error_status(a->err, STATUS_BROKEN,
		"%s; and switching back to %s failed: %s", why,
		*a->was ? a->was : "nothing", then->text);
	return error_hint(a->err,
		"a person is needed on the server: see deploy log");
}

/* restart or check failed: back to what was live, restarted. */
static int
switch_back(struct activation *a)
{
	struct error then = ERROR_INIT;
	char why[1024];
	struct subject old;
	int rc = 0;

	snprintf(why, sizeof(why), "%.900s", a->err->text);
	a->host->stage(a->host->arg, "back");
	if (point_current(a, a->was, &then) < 0)
		return broken(a, why, &then);
	if (*a->was) {
		const char *failed = a->stage;

		rc = subject_load(&old, a->s, a->c, a->was, "", &then);
		if (rc == 0) {
			rc = restart_and_check(a, &old, &then);
			subject_release(&old);
		}
		a->stage = failed;
	}
	if (rc < 0)
		return broken(a, why, &then);
	note_reverted(a, "reverted", why);
	error_status(a->err, STATUS_REVERTED, "%s; switched back, %s is live",
		why, *a->was ? a->was : "nothing");
	return error_hint(a->err,
		"this tree is held: deploy it again with "
		"--force; its log: deploy log");
}

/* `current` must be what it was when the caller looked. */
static int
check_expected(struct activation *a)
{
	if (store_current(a->s, a->was, a->err) < 0)
		return -1;
	if (!a->o->expected || !strcmp(a->was, a->o->expected))
		return 0;
	error_status(a->err, STATUS_REFUSED,
		"what is live has changed meanwhile: it is %s",
		*a->was ? a->was : "nothing");
	return error_hint(a->err,
		"look at it with `deploy releases`, then "
		"try again, or use --force");
}

static int
activate_locked(struct activation *a)
{
	if (check_expected(a) < 0 ||
		subject_load(&a->new, a->s, a->c, a->o->release, a->was,
			a->err) < 0)
		return -1;
	if (!strcmp(a->was, a->o->release) && a->new.record.checked)
		return 0;
	if (make_switch(a) < 0)
		return -1;
	if (restart_and_check(a, &a->new, a->err) < 0)
		return switch_back(a);
	return note_success(a);
}

/* migrate runs before the lock: a rollback never waits for it. */
static int
migrate_first(struct activation *a)
{
	int rc;

	if (!a->o->migrate)
		return 0;
	if (store_current(a->s, a->was, a->err) < 0 ||
		subject_load(&a->new, a->s, a->c, a->o->release, a->was,
			a->err) < 0)
		return -1;
	rc = run_migrate(a);
	subject_release(&a->new);
	return rc;
}

static int
wait_with_host(void *arg, int ms)
{
	const struct activate_host *host = arg;

	return host->hooks.wait(host->hooks.arg, NULL, 0, ms) < 0;
}

int
activate_release(struct store *s, const struct config *c,
	const struct activate_options *o, const struct activate_host *host,
	const char **failed, struct error *err)
{
	struct activation a = {
		.s = s, .c = c, .o = o, .host = host, .err = err
	};
	char holder[300];
	int rc;

	memset(&a.new, 0, sizeof(a.new));
	a.new.cwd = -1;
	snprintf(holder, sizeof(holder), "%s", o->who);
	rc = migrate_first(&a);
	if (rc == 0)
		rc = store_lock_switch(s, holder, o->wait, wait_with_host,
			(void *)host, err);
	if (rc == 0) {
		rc = activate_locked(&a);
		subject_release(&a.new);
		store_unlock_switch(s);
	}
	if (rc < 0 && err->status == STATUS_LOCAL)
		err->status = STATUS_TRANSFER;
	*failed = rc < 0 ? a.stage : NULL;
	return rc;
}

/* What was live is held: cron must not undo the rescue. */
static void
hold(struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };

	if (record_load(s, id, &r, &ignored) == 0) {
		r.held = true;
		record_save(s, &r, &ignored);
	}
	record_release(&r);
}

int
activate_rollback(struct store *s, const struct config *c, const char *to,
	const char *expected, const char *who, uint64_t wait,
	const struct activate_host *host, char went[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	struct activate_options o = {
		.kind = ACTIVATE_ROLLBACK, .who = who, .wait = wait
	};
	char was[RELEASE_ID_LEN + 1], previous[RELEASE_ID_LEN + 1];
	const char *failed;

	if (store_current(s, was, err) < 0 ||
		history_previous(s, previous, err) < 0)
		return -1;
	if (!to && !*previous) {
		error_status(err, STATUS_REFUSED,
			"there is no release to roll back to");
		return error_hint(err, "see what there is: deploy releases");
	}
	o.release = to ? to : previous;
	o.expected = expected ? expected : was;
	if (*was && !strcmp(was, o.release)) {
		error_status(err, STATUS_REFUSED, "%s is live already", was);
		return error_hint(err, "see what there is: deploy releases");
	}
	if (activate_release(s, c, &o, host, &failed, err) < 0)
		return -1;
	if (*was)
		hold(s, was);
	host->note(host->arg,
		"migrations and the env file are not undone by "
		"a rollback");
	snprintf(went, RELEASE_ID_LEN + 1, "%s", o.release);
	return 0;
}

/* A crash after the rename: restart and check are repeated. */
static int
finish_switch(struct store *s, const struct config *c, const char *id,
	const char *from, const struct activate_host *host, struct error *err)
{
	struct activate_options o = {
		.kind = ACTIVATE_AGAIN, .release = id, .who = "recovery"
	};
	struct activation a = {
		.s = s, .c = c, .o = &o, .host = host, .err = err
	};
	int rc;

	if (subject_load(&a.new, s, c, id, from, err) < 0)
		return -1;
	snprintf(a.was, sizeof(a.was), "%s", from);
	rc = restart_and_check(&a, &a.new, err);
	if (rc < 0) {
		(void)switch_back(&a);
		host->note(host->arg, err->text);
		rc = err->status == STATUS_REVERTED ? 0 : -1;
	} else {
		rc = note_success(&a);
	}
	subject_release(&a.new);
	return rc;
}

int
activate_recover(struct store *s, const struct config *c,
	const struct activate_host *host, struct error *err)
{
	char id[RELEASE_ID_LEN + 1], from[RELEASE_ID_LEN + 1];
	char live[RELEASE_ID_LEN + 1];
	int rc = history_unfinished(s, id, from, err);

	if (rc <= 0)
		return rc;
	/* Whoever holds switch.lock is still at it: then nothing crashed. */
	if (store_lock_switch(s, "recovery", 150, wait_with_host, (void *)host,
		    err) < 0)
		return -1;
	rc = history_unfinished(s, id, from, err);
	if (rc > 0 && store_current(s, live, err) < 0)
		rc = -1;
	if (rc > 0) {
		host->note(host->arg,
			"an earlier deploy was cut off at its "
			"switch; it is finished first");
		rc = !strcmp(live, id) ?
			finish_switch(s, c, id, from, host, err) :
			history_append(s, "reverted", id, from, "recovery",
				"cut off before the switch", err);
	}
	store_unlock_switch(s);
	return rc;
}
