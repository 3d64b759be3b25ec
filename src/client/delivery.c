#include "client/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/zstream.h"
#include "client/delivery_parts.h"

void
delivery_open(struct delivery *d, const struct target *t,
	const struct options *o, enum push_then then, bool prefix)
{
	memset(d, 0, sizeof(*d));
	d->target = t;
	d->options = o;
	d->then = then;
	watch_init(&d->watch, t->text, prefix);
	session_open(&d->session, t, o);
	delivery_load_base(d);
}

void
delivery_fail(struct delivery *d, const struct error *err)
{
	if (d->state == DELIVERY_DONE)
		return;
	d->session.input = -1;
	d->error = *err;
	d->failed = true;
	d->state = DELIVERY_DONE;
	progress_end(&d->progress);
	watch_end(&d->watch);
}

/* Each of several deliveries amends entries of its own. */
static void
take_cargo(struct delivery *d, struct cargo *c)
{
	d->cargo = c;
	d->shares = d->watch.prefix;
	if (d->shares)
		manifest_share(&d->m, &c->m);
	else
		d->m = c->m;
	d->source = c->source;
	beneath_init(&d->source.at, c->source.dirfd);
}

void
delivery_ask(struct delivery *d, struct cargo *c)
{
	take_cargo(d, c);
	timeline_add(&d->watch.timeline, "scan", c->loaded - d->watch.began);
	delivery_await_base(d);
	delivery_choose_offer(d);
	delivery_send_request(d);
	if (!delivery_waits(d))
		delivery_send_difference(d);
	d->state = DELIVERY_ASKED;
	delivery_await_packer(d);
}

/* The connection is gone, and the switch had not begun. */
static void
hint_rerun(const struct delivery *d, struct error *err)
{
	if (d->session.channel.eof && err->status == STATUS_TRANSFER &&
		!err->hint[0])
		error_hint(err,
			"run it again: what has arrived is not sent again");
}

void
delivery_step(struct delivery *d)
{
	struct error err = ERROR_INIT;
	struct frame f;
	int rc;

	while (d->state != DELIVERY_DONE &&
		(rc = session_next(&d->session, &f, &err)) != 0) {
		if (rc > 0)
			rc = delivery_take(d, &f, &err);
		if (rc < 0) {
			watch_lost(&d->watch, &err);
			hint_rerun(d, &err);
			delivery_fail(d, &err);
			return;
		}
	}
	if (delivery_step_lanes(d, &err) < 0 ||
		(delivery_may_produce(d) && delivery_produce(d, &err) < 0)) {
		delivery_abort(d);
		delivery_fail(d, &err);
	}
	delivery_await_packer(d);
}

void
delivery_go(struct delivery *d)
{
	if (d->state != DELIVERY_STAGED)
		return;
	channel_send(&d->session.channel, "go", "", 0);
	d->state = DELIVERY_WAITING;
}

void
delivery_abort(struct delivery *d)
{
	if (d->state == DELIVERY_DONE || d->aborting)
		return;
	d->aborting = true;
	channel_send(&d->session.channel, "abort", "", 0);
}

void
delivery_release(struct delivery *d)
{
	delivery_release_lanes(d);
	delivery_await_base(d);
	cache_drop_draft(&d->draft);
	packer_free(d->pack);
	if (d->shares)
		manifest_release(&d->m);
	manifest_release(&d->base);
	manifest_release(&d->live_tree);
	if (d->theirs)
		manifest_reader_release(d->theirs);
	free(d->theirs);
	zin_free(d->unzip);
	ranges_release(&d->offer);
	ranges_release(&d->need);
	beneath_release(&d->source.at);
	MESSAGE_RELEASE(live, &d->live);
	MESSAGE_RELEASE(need_end, &d->need_end);
	MESSAGE_RELEASE(result, &d->result);
	watch_release(&d->watch);
	session_release(&d->session);
}

enum status
delivery_status(const struct delivery *d)
{
	return d->failed ? d->error.status : STATUS_OK;
}
