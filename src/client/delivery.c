#include "client/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "base/zstream.h"
#include "client/cache.h"
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
}

void
delivery_fail(struct delivery *d, const struct error *err)
{
	if (d->state == DELIVERY_DONE)
		return;
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
	if (!d->options->no_cache)
		d->has_base = cache_load_base(c->cache, d->target, &d->base,
				      d->base_hex) == 0;
	delivery_choose_offer(d);
	delivery_send_request(d);
	if (!delivery_waits(d))
		delivery_send_difference(d);
	d->state = DELIVERY_ASKED;
}

bool
delivery_may_produce(const struct delivery *d)
{
	return (d->state == DELIVERY_SENDING ||
		       (d->state == DELIVERY_ASKED && d->offering)) &&
		!d->aborting && !d->session.channel.broken &&
		!channel_full(&d->session.channel);
}

/* Fills the queue with files; 0 or -1. */
static int
produce(struct delivery *d, struct error *err)
{
	struct channel *c = &d->session.channel;
	struct buf out = BUF_INIT;
	enum pack_step step = PACK_MORE;

	while (!channel_full(c) && !c->broken &&
		(step == PACK_MORE || step == PACK_AMENDED)) {
		const struct entry *amended;

		step = pack_step(d->pack, &out, &amended, err);
		while (out.len) {
			size_t n = out.len > FRAME_MOST ? FRAME_MOST : out.len;

			channel_send(c, "files", out.data, n);
			buf_consume(&out, n);
		}
		if (step == PACK_AMENDED)
			delivery_send_amend(d, amended);
	}
	buf_release(&out);
	progress_at(&d->progress, pack_done(d->pack));
	if (step == PACK_IDLE) {
		d->offering = false;
		timeline_done(&d->watch.timeline, "data");
		if (d->state == DELIVERY_SENDING)
			d->state = DELIVERY_WAITING;
	}
	return step == PACK_ERROR ? -1 : 0;
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
			delivery_fail(d, &err);
			return;
		}
	}
	if (delivery_may_produce(d) && produce(d, &err) < 0) {
		delivery_abort(d);
		delivery_fail(d, &err);
	}
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
	pack_free(d->pack);
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
