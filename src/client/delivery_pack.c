/* The files of a delivery, from the packer to the channel. */
#include <unistd.h>

#include "base/log.h"
#include "base/zstream.h"
#include "client/delivery_parts.h"

/* More cores than that would compress faster than most links take. */
#define THREADS_MOST 4

bool
delivery_may_produce(const struct delivery *d)
{
	return (d->state == DELIVERY_SENDING ||
		       (d->state == DELIVERY_ASKED && d->offering)) &&
		!d->aborting && !d->session.channel.broken &&
		!channel_full(&d->session.channel);
}

/* Of one delivery all cores compress; several go on beside each other. */
static int
pack_threads(bool several)
{
	long n = several ? 1 : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (int)n;
}

struct packer *
delivery_packer(struct delivery *d)
{
	if (!d->pack)
		d->pack = packer_new(&d->source, &d->m,
			pack_threads(d->watch.prefix));
	return d->pack;
}

void
delivery_lock(const struct delivery *d)
{
	if (d->pack)
		packer_lock(d->pack);
}

void
delivery_unlock(const struct delivery *d)
{
	if (d->pack)
		packer_unlock(d->pack);
}

static void
send_files(struct channel *c, struct buf *out)
{
	while (out->len) {
		size_t n = out->len > FRAME_MOST ? FRAME_MOST : out->len;

		channel_send(c, "files", out->data, n);
		buf_consume(out, n);
	}
}

/* Of what was much enough that it could change. */
static void
tell_effort(struct delivery *d)
{
	struct effort e = packer_effort(d->pack);

	if (e.us)
		log_verbose("%s: compressed with effort %d of %d at the end, "
			    "%d at most",
			d->target->text, e.now, ZEFFORT_MOST, e.most);
}

enum pack_step
delivery_send_packed(struct channel *c, struct packer *pack,
	delivery_amended_fn *took, void *arg, struct error *err)
{
	struct buf out = BUF_INIT;
	enum pack_step step;

	do {
		struct entry amended;

		buf_clear(&out);
		step = packer_take(pack, &out, &amended, err);
		if (step == PACK_AMENDED) {
			delivery_send_amend(c, &amended);
			if (took)
				took(arg, &amended);
		} else if (step == PACK_MORE && !out.len) {
			break;
		}
		send_files(c, &out);
	} while ((step == PACK_MORE || step == PACK_AMENDED) &&
		!channel_full(c));
	buf_release(&out);
	if (step == PACK_MORE && c->tx.len == 0)
		packer_starves(pack);
	return step;
}

static void
note_amended(void *arg, const struct entry *e)
{
	struct delivery *d = arg;

	d->amended = true;
	if (d->lanes.parts)
		delivery_note_amended(&d->lanes, NULL, e);
}

int
delivery_produce(struct delivery *d, struct error *err)
{
	enum pack_step step;

	packer_waits(d->pack, session_link_us(&d->session));
	step = delivery_send_packed(&d->session.channel, d->pack, note_amended,
		d, err);
	progress_at(&d->progress, delivery_sent(d));
	if (step == PACK_IDLE && !delivery_lanes_busy(d)) {
		d->offering = false;
		timeline_done(&d->watch.timeline, "data");
		if (d->state != DELIVERY_SENDING)
			return 0;
		tell_effort(d);
		d->state = DELIVERY_WAITING;
	}
	return step == PACK_ERROR ? -1 : 0;
}

uint64_t
delivery_sent(const struct delivery *d)
{
	uint64_t bytes = packer_done(d->pack);
	size_t i;

	for (i = 0; i < d->lanes.lanes; i++)
		if (d->lanes.v[i].pack)
			bytes += packer_done(d->lanes.v[i].pack);
	return bytes;
}

void
delivery_await_packer(struct delivery *d)
{
	d->session.input = delivery_may_produce(d) ? packer_fd(d->pack) : -1;
}
