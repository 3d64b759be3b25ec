#include "server/push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/apps.h"
#include "server/listing.h"
#include "server/prepare.h"
#include "server/push_checks.h"
#include "server/push_state.h"
#include "server/stage.h"
#include "server/transfer.h"

/* Waited for without --wait: the tail of the deploy before. */
#define LOCK_SECONDS 2

static bool
is_hash(const char *hex)
{
	uint8_t hash[DIGEST_SIZE];

	return strlen(hex) == DIGEST_HEX && digest_from_hex(hex, hash) == 0;
}

static int
parse_request(struct push *p, const struct frame *f)
{
	const struct msg_push *a = &p->ask;

	if (MESSAGE_READ(push, f, &p->ask, p->err) < 0)
		return -1;
	p->then = push_then_parse(a->then);
	if (!a->app || !path_is_app(a->app))
		return error_status(p->err, STATUS_REFUSED,
			"'%s' cannot be an app's name", a->app ? a->app : "");
	if ((int)p->then < 0 || (p->then == THEN_COMPARE && a->offer) ||
		!a->tree || !is_hash(a->tree) || !a->settings ||
		!is_hash(a->settings) || (a->base && !is_hash(a->base)))
		return error_status(p->err, STATUS_TRANSFER,
			"a malformed push");
	return 0;
}

/* A new app says so, with the app it may have been mistaken for. */
static void
note_new_app(struct push *p)
{
	char *near = apps_near_miss(p->s->config, p->ask.app);

	session_note(p->s, "%s is a new app here%s%s", p->ask.app,
		near ? "; " : "", near ? near : "");
	free(near);
}

/* That the link is gone is told, or that it is a new app. */
static void
note_nothing_live(struct push *p)
{
	char none[RELEASE_ID_LEN + 1];
	struct error why = ERROR_INIT;

	if (p->store && listing_live(p->store, none, &why) < 0)
		session_note(p->s, "%s; %s", why.text, why.hint);
	else
		note_new_app(p);
}

/* A live release whose record is lost must not stop all deploys. */
static void
live_without_record(struct push *p, const char *id, const struct error *why)
{
	session_note(p->s, "%s; it is replaced all the same", why->text);
	p->live = (struct record){ .id = mem_strdup(id),
		.tree = mem_strdup(""),
		.settings = mem_strdup(""),
		.manifest = mem_strdup("") };
}

static int
load_live(struct push *p)
{
	char id[RELEASE_ID_LEN + 1];
	struct error why = ERROR_INIT;
	struct msg_live m = { 0 };

	if (store_current(p->store, id, p->err) < 0)
		return -1;
	if (*id && record_load(p->store, id, &p->live, &why) < 0)
		live_without_record(p, id, &why);
	/* Sent in any case: it tells the client that the lock is held. */
	m.release = p->live.id;
	m.tree = p->live.tree;
	m.settings = p->live.settings;
	m.git_commit = p->live.git_commit;
	m.git_subject = p->live.git_subject;
	m.files = p->live.files;
	MESSAGE_SEND(&p->s->client, "live", live, &m);
	return 0;
}

static int
open_app(struct push *p, bool create)
{
	if (session_open_app(p->s, p->ask.app, create,
		    create ? "deploy local:" : NULL, p->err) < 0)
		return -1;
	p->store = &p->s->store;
	return store_check_layout(p->store, p->err);
}

/* For a compare: no lock, and an app that is not there stays so. */
static int
open_to_look(struct push *p)
{
	struct msg_live none = { 0 };

	if (config_authorise(p->s->config, p->ask.app, "read", p->err) < 0)
		return -1;
	if (open_app(p, false) == 0) {
		if (load_live(p) < 0)
			return -1;
		if (!p->live.id)
			note_nothing_live(p);
		return 0;
	}
	if (errno != ENOENT)
		return -1;
	p->absent = true;
	note_new_app(p);
	MESSAGE_SEND(&p->s->client, "live", live, &none);
	return 0;
}

/* Whoever asked to wait is told, once, for whom. */
static int
wait_for_lock(void *arg, int ms)
{
	struct push *p = arg;
	char holder[STORE_HOLDER];

	if (p->ask.wait > LOCK_SECONDS && !p->waits) {
		store_busy(p->store, holder, sizeof(holder));
		session_note(p->s,
			"another deploy of %s is running: %s; waiting up to "
			"%" PRIu64 " s for it",
			p->ask.app, *holder ? holder : "just begun",
			store_wait_most(p->ask.wait));
		p->waits = true;
	}
	return session_wait(p->s, ms);
}

static int
lock_app(struct push *p)
{
	struct session *s = p->s;
	uint64_t wait = p->ask.wait > LOCK_SECONDS ? p->ask.wait : LOCK_SECONDS;
	char holder[STORE_HOLDER];

	store_holder(session_who(s, p->ask.user), holder);
	if (store_lock(p->store, holder, wait, wait_for_lock, p, p->err) == 0)
		return 0;
	if (s->cancelled)
		p->err->status = session_status(s);
	if (p->err->status == STATUS_BUSY)
		error_hint(p->err, "wait for it with --wait, or try again");
	return -1;
}

/* What a crash left behind. */
static int
recover(struct push *p)
{
	struct activate_host host = session_host(p->s);
	int rc;

	session_recover(p->s, true);
	rc = activate_recover(p->store, p->s->config, &host, p->err);
	session_recover(p->s, false);
	return rc < 0 ? -1 : stage_recover(p->store, p->err);
}

static int
open_to_deploy(struct push *p)
{
	if (config_authorise(p->s->config, p->ask.app, "deploy", p->err) < 0 ||
		open_app(p, true) < 0 || lock_app(p) < 0 || recover(p) < 0 ||
		load_live(p) < 0)
		return -1;
	if (!p->live.id)
		note_nothing_live(p);
	return 0;
}

static int
answer_same(struct push *p)
{
	p->result->outcome = mem_strdup("same");
	p->result->release = mem_strdup(p->live.id);
	p->result->files = p->result->reused = p->live.files;
	return 0;
}

static int
activate(struct push *p, enum activate_kind kind, const char *id)
{
	struct activate_options o = { .kind = kind,
		.release = id,
		.expected = p->ask.force ? NULL :
			p->live.id       ? p->live.id :
					   "",
		.who = session_who(p->s, p->ask.user),
		.migrate = kind == ACTIVATE_DEPLOY,
		.wait = ACTIVATE_WAIT };
	struct activate_host host = session_host(p->s);
	const char *failed = NULL;

	if (activate_release(p->store, p->s->config, &o, &host, &failed,
		    p->err) >= 0)
		return 0;
	if (failed)
		p->result->stage = mem_strdup(failed);
	return -1;
}

/* The tree is live but a crash or a failure left it unchecked. */
static int
finish_live(struct push *p)
{
	if (session_open_log(p->s, p->live.id, p->err) < 0 ||
		activate(p, ACTIVATE_AGAIN, p->live.id) < 0)
		return -1;
	return answer_same(p);
}

/*
 * Whether this tree with these settings is what is live, for certain.  Hooks
 * that were not to be run then may be now.
 */
static bool
is_live(const struct push *p)
{
	const struct record *r = &p->live;
	struct error ignored = ERROR_INIT;

	return r->id && !strcmp(r->tree, p->ask.tree) &&
		!strcmp(r->settings, p->ask.settings) &&
		(!r->no_hooks || p->s->config->no_hooks) &&
		store_has_release(p->store, r->id) &&
		stage_is_doubtful(p->store, r->id, &ignored) == 0;
}

/* 1: it is live and checked already.  A held one is for the guards. */
static int
nothing_to_do(struct push *p)
{
	if (p->ask.rebuild || p->ask.no_cache || p->then == THEN_COMPARE ||
		!is_live(p) || (p->live.held && !p->live.checked))
		return 0;
	if (p->live.checked || p->then == THEN_BUILD)
		return answer_same(p) < 0 ? -1 : 1;
	return finish_live(p) < 0 ? -1 : 1;
}

static int
finish(struct push *p)
{
	struct error ignored = ERROR_INIT;

	if (p->then == THEN_BUILD) {
		history_append(p->store, "built", p->id, "", p->record.by, "",
			&ignored);
		p->result->outcome = mem_strdup("built");
		p->stays = true;
		return 0;
	}
	if (p->then == THEN_HOLD && release_hold(p) < 0)
		return -1;
	if (activate(p, ACTIVATE_DEPLOY, p->id) < 0)
		return -1;
	p->stays = true;
	p->result->outcome = mem_strdup("deployed");
	if (p->live.id)
		p->result->previous = mem_strdup(p->live.id);
	return 0;
}

static int
look(struct push *p)
{
	if (open_to_look(p) < 0 ||
		check_expected(&p->ask, &p->live, p->err) < 0 ||
		check_limits(p->s->config, &p->ask, p->err) < 0 ||
		receive_tree(p) < 0)
		return -1;
	return receive_compare(p);
}

static int
settle(struct push *p)
{
	if (stage_is_settled(p->store))
		return 0;
	prepare_stop(p->store, PREPARE_MS);
	return stage_settle(p->store, p->err);
}

static int
deploy(struct push *p)
{
	int done;

	if (open_to_deploy(p) < 0 || settle(p) < 0 ||
		check_expected(&p->ask, &p->live, p->err) < 0)
		return -1;
	done = nothing_to_do(p);
	if (done)
		return done < 0 ? -1 : 0;
	/* It has the time that the manifest takes. */
	prepare_ask(p->store);
	if (check_limits(p->s->config, &p->ask, p->err) < 0 ||
		check_guards(p->store, &p->ask, &p->live,
			session_who(p->s, p->ask.user), p->err) < 0 ||
		receive_tree(p) < 0)
		return -1;
	prepare_stop(p->store, PREPARE_MS);
	/* Nothing that was left over counts. */
	if (p->ask.no_cache)
		stage_clear_tmp(p->store);
	if (receive_content(p) < 0 || release_stage(p) < 0 ||
		release_build(p) < 0)
		return -1;
	return finish(p);
}

static void
release(struct push *p)
{
	MESSAGE_RELEASE(push, &p->ask);
	record_release(&p->live);
	record_release(&p->record);
	buf_release(&p->settings);
	hook_settings_release(&p->hooks);
	manifest_release(&p->base);
	manifest_release(&p->m);
	ranges_release(&p->offer);
	if (p->planned)
		plan_release(&p->plan);
	transfer_release(p);
}

static void
answer_failed(struct push *p)
{
	if (p->err->status == STATUS_LOCAL)
		p->err->status = STATUS_TRANSFER;
	free(p->result->outcome);
	p->result->outcome = NULL;
	p->result->held = p->err->status == STATUS_REVERTED ||
		p->err->status == STATUS_BROKEN;
	result_from_error(p->result, p->err);
}

void
push_serve(struct session *s, const struct frame *f, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct push p = { .s = s, .result = result, .err = &err };
	int rc = parse_request(&p, f);

	if (rc == 0)
		rc = p.then == THEN_COMPARE ? look(&p) : deploy(&p);
	if (rc < 0) {
		release_undo(&p);
		answer_failed(&p);
	}
	session_name_live(s, result);
	release(&p);
}

void
push_tidy(struct session *s)
{
	const struct prune_options o = { .keep = s->config->keep };
	struct error ignored = ERROR_INIT;
	struct strv dropped = STRV_INIT;

	if (!s->opened || s->store.lock < 0)
		return;
	prune_releases(&s->store, &o, &dropped, &ignored);
	prepare_start(&s->store, s->config);
	store_unlock(&s->store);
	strv_release(&dropped);
}
