/* The verb push: one tree to one target or several. */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/confinement.h"
#include "client/delivery.h"
#include "client/local.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/verbs.h"

/* After a signal: so long is waited for the servers' last words. */
#define ABORT_MS 5000

struct push {
	struct options *o;
	struct project project;
	struct targets targets;
	struct cargo cargo;
	struct delivery *v;
	struct session **sessions;
	size_t n;
	bool prepared;    /* what is for the next one was written */
	bool aborted;     /* abort was sent to those not switched yet */
	bool went;        /* go was said */
	bool told;        /* that the servers are waited for */
	bool confined;    /* confinement_begin() */
	int64_t deadline; /* io_now_ms(), once aborted; else 0 */
};

static enum push_then
choose_then(const struct push *p)
{
	if (p->o->no_activate)
		return THEN_BUILD;
	return p->n > 1 ? THEN_HOLD : THEN_ACTIVATE;
}

/* Before any byte is sent: what goes where. */
static void
announce(const struct push *p)
{
	const char *what = p->o->tar ? p->o->tar : p->project.tree;
	size_t i;

	for (i = 0; i < p->targets.n; i++) {
		const char *target = p->targets.v[i].text;

		log_info("deploying %s to %s", what, target);
		report_event("begin", "target", "s", target, "directory", "s",
			what, NULL);
	}
}

static void
open_deliveries(struct push *p)
{
	size_t i;

	p->n = p->targets.n;
	p->v = mem_zalloc(p->n, sizeof(*p->v));
	p->sessions = mem_zalloc(p->n + DELIVERY_LANES, sizeof(*p->sessions));
	for (i = 0; i < p->n; i++) {
		delivery_open(&p->v[i], &p->targets.v[i], p->o, choose_then(p),
			p->n > 1);
		p->sessions[i] = &p->v[i].session;
	}
}

/* Hello crosses while the tree is hashed, and pings if that takes long. */
static void
tick(void *arg)
{
	struct push *p = arg;
	struct error ignored = ERROR_INIT;

	(void)sessions_turn(p->sessions, p->n, 0, &ignored);
}

/*
 * Whether nothing of the tree is known to be on a server: then what is hashed
 * will most likely be sent.
 */
static bool
is_first(void *arg, int cache)
{
	const struct push *p = arg;
	bool first = p->o->no_cache;
	size_t i;

	for (i = 0; i < p->targets.n && !first; i++)
		first = !cache_has_base(cache, &p->targets.v[i]);
	return first;
}

/*
 * An archive may come from a program that takes its time, while which no
 * connection is to wait.
 */
static int
load(struct push *p, struct error *err)
{
	const struct cargo_options how = {
		.keep = is_first, .tick = tick, .arg = p
	};
	int rc;

	if (!p->o->tar)
		open_deliveries(p);
	rc = cargo_load(&p->cargo, &p->project, p->o, &how, err);
	if (p->o->tar && rc == 0)
		open_deliveries(p);
	return rc;
}

static bool
settled(const struct delivery *d)
{
	return d->state == DELIVERY_DONE || d->locked;
}

/* Locks are taken in the order of the targets, one after the other. */
static void
ask_next(struct push *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->v[i].state == DELIVERY_OPENING)
			delivery_ask(&p->v[i], &p->cargo);
		if (!settled(&p->v[i]))
			return;
	}
}

/*
 * As soon as no program is needed: git is asked about what is live on each of
 * the targets.  With an archive, connections were begun after it was read.
 */
static int
confine(struct push *p, struct error *err)
{
	size_t i;

	if (p->confined || p->o->tar)
		return 0;
	for (i = 0; p->cargo.git.is_repository && i < p->n; i++)
		if (!settled(&p->v[i]))
			return 0;
	p->confined = true;
	return confinement_begin(&p->cargo, err);
}

static void
abort_all(struct push *p)
{
	size_t i;

	if (p->aborted)
		return;
	p->aborted = true;
	p->deadline = io_now_ms() + ABORT_MS;
	for (i = 0; i < p->n; i++)
		if (p->v[i].state != DELIVERY_SWITCHED)
			delivery_abort(&p->v[i]);
}

/* All staged (or live already): go.  One failed: none goes. */
static void
decide(struct push *p)
{
	size_t i, ready = 0;

	if (p->n < 2 || p->went || p->aborted)
		return;
	for (i = 0; i < p->n; i++) {
		const struct delivery *d = &p->v[i];

		if (d->state == DELIVERY_DONE && !delivery_did_well(d)) {
			abort_all(p);
			return;
		}
		ready += d->state == DELIVERY_STAGED || delivery_did_well(d);
	}
	if (ready < p->n)
		return;
	p->went = true;
	for (i = 0; i < p->n; i++)
		delivery_go(&p->v[i]);
}

static bool
all_done(const struct push *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].state != DELIVERY_DONE)
			return false;
	return true;
}

/* Ends what is still open when a signal or a deadline says so. */
static void
leave(struct push *p, const struct error *why)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct error err = *why;

		watch_lost(&p->v[i].watch, &err);
		delivery_fail(&p->v[i], &err);
	}
}

static void
leave_for_signal(struct push *p)
{
	struct error err = ERROR_INIT;

	signals_error(&err, "interrupted");
	leave(p, &err);
}

static void
leave_unanswered(struct push *p)
{
	struct error err = ERROR_INIT;

	error_status(&err, STATUS_TRANSFER,
		"aborted, but the server did not answer");
	leave(p, &err);
}

static void
look_at_signals(struct push *p)
{
	size_t i, switched = 0, open = 0;

	if (!signals_caught())
		return;
	abort_all(p);
	for (i = 0; i < p->n; i++) {
		open += p->v[i].state != DELIVERY_DONE;
		switched += p->v[i].state == DELIVERY_SWITCHED;
	}
	if (open && (switched == open || io_now_ms() >= p->deadline))
		leave_for_signal(p);
	else if (open && !p->told)
		signals_say();
	p->told = true;
}

/* While the servers work: what would else be done when they have answered. */
static void
prepare_next(struct push *p)
{
	size_t i;

	if (p->prepared)
		return;
	for (i = 0; i < p->n; i++)
		if (!delivery_listens(&p->v[i]))
			return;
	p->prepared = true;
	cargo_save_index(&p->cargo);
	for (i = 0; i < p->n; i++)
		delivery_draft_base(&p->v[i]);
}

static int
run(struct push *p, struct error *err)
{
	size_t i;

	while (!all_done(p)) {
		size_t lanes = 0;

		ask_next(p);
		if (confine(p, err) < 0)
			return -1;
		if (p->n == 1)
			lanes = delivery_lane_sessions(&p->v[0],
				p->sessions + p->n);
		if (sessions_turn(p->sessions, p->n + lanes, 250, err) < 0)
			return -1;
		for (i = 0; i < p->n; i++) {
			delivery_step(&p->v[i]);
			if (p->v[i].state == DELIVERY_DONE)
				p->sessions[i] = NULL;
		}
		decide(p);
		prepare_next(p);
		look_at_signals(p);
		if (p->aborted && !p->went && io_now_ms() >= p->deadline)
			leave_unanswered(p);
	}
	return 0;
}

/* What counts more: a person is needed; then what was no doing of ours. */
static enum status
worse(enum status status, const struct delivery *d)
{
	enum status other = delivery_status(d);

	if (other == STATUS_OK || status == STATUS_BROKEN)
		return status;
	/* "cancelled by the client" is a consequence of another's failure. */
	if (status == STATUS_OK || other == STATUS_BROKEN || !d->aborting)
		return other;
	return status;
}

static const char *
what_it_holds(const struct push *p, const struct delivery *d)
{
	if (delivery_did_well(d))
		return "holds this tree";
	if (!p->went && delivery_was_given_up(d))
		return "was given up: it is as it was";
	return "does not hold this tree";
}

static void
say_who_holds(const struct push *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		log_info("%s: %s", p->v[i].target->text,
			what_it_holds(p, &p->v[i]));
}

/* One status for all: the worst, or 10 where the targets differ. */
static enum status
finish_all(struct push *p, struct error *err)
{
	enum status status = STATUS_OK;
	size_t i, well = 0;

	for (i = 0; i < p->n; i++) {
		delivery_finish(&p->v[i], p->n);
		well += delivery_did_well(&p->v[i]);
		status = worse(status, &p->v[i]);
	}
	if (p->n == 1)
		*err = p->v[0].error;
	if (signals_caught() && status == STATUS_INT)
		status = (enum status)(128 + signals_caught());
	if (well == 0 || well == p->n || p->o->no_activate)
		return status;
	say_who_holds(p);
	return status == STATUS_BROKEN ? status : STATUS_PARTIAL;
}

static int
deploy(struct push *p, struct error *err)
{
	enum status status = STATUS_OK;
	size_t i;
	int rc;

	announce(p);
	rc = load(p, err);
	if (rc == 0) {
		cargo_hint_hooks(&p->cargo);
		rc = run(p, err);
	}
	if (rc == 0)
		status = finish_all(p, err);
	for (i = 0; i < p->n; i++)
		delivery_release(&p->v[i]);
	cargo_release(&p->cargo);
	free(p->v);
	free(p->sessions);
	return rc < 0 ? -1 : (int)status;
}

int
verb_push(struct options *o, struct error *err)
{
	struct push p = { .o = o };
	int rc = -1;

	if (o->dry_run)
		return verb_diff(o, err);
	if (local_prepare(&p.project, &p.targets, o, err) == 0)
		rc = deploy(&p, err);
	targets_release(&p.targets);
	project_release(&p.project);
	return rc < 0 ? (int)err->status : rc;
}
