#include "client/delivery_lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/delivery_parts.h"
#include "tree/wanted.h"

/* What a channel is given at a time, and has to send when it gets more. */
#define SLICE (4 * 1024 * 1024)
/* A file larger than that is divided among the channels. */
#define DIVIDED (8 * 1024 * 1024)
/*
 * One more channel for so many milliseconds of a round trip: sshd's window
 * then is worth 80 MiB/s in all.
 */
#define LANE_MS 25
#define WINDOW (2 * 1024 * 1024)
#define THREADS 1

static void
add_line(struct delivery_lanes *l, uint32_t line)
{
	MEM_GROW(l->todo, l->n, l->cap);
	l->todo[l->n++] = line;
}

/* As many as the user says, else as the way is long. */
static void
choose_most(struct delivery *d)
{
	struct delivery_lanes *l = &d->lanes;
	const char *text = getenv("DEPLOY_LANES");
	long told = text && *text ? strtol(text, NULL, 10) : -1;

	l->told = told >= 0;
	l->most = l->told ? (size_t)told :
			    (size_t)session_rtt(&d->session) / LANE_MS;
	if (l->most > DELIVERY_LANES)
		l->most = DELIVERY_LANES;
}

static void
add_needed(struct delivery *d, uint32_t line)
{
	struct delivery_lanes *l = &d->lanes;
	struct wanted w;
	uint32_t i;

	if (wanted_find(&w, &d->m, line) < 0)
		return;
	/* Whether there will be lanes is not known yet. */
	if (w.part || !l->most || !w.e->chunks || w.e->size < DIVIDED) {
		add_line(l, line);
		return;
	}
	for (i = 0; i < w.e->chunks->n; i++)
		add_line(l, w.e->line + 1 + i);
}

static bool
open_lane(struct delivery *d, struct delivery_lane *l)
{
	struct msg_put put = { (char *)d->target->app, d->need_end.token };

	if (session_branch(&l->session, &d->session) < 0)
		return false;
	MESSAGE_SEND(&l->session.channel, "put", put, &put);
	packer_lock(delivery_packer(d));
	manifest_share(&l->m, &d->m);
	packer_unlock(d->pack);
	l->of = &d->lanes;
	l->source = d->cargo->source;
	beneath_init(&l->source.at, d->cargo->source.dirfd);
	l->pack = packer_new(&l->source, &l->m, THREADS);
	return true;
}

static void
open_lanes(struct delivery *d)
{
	struct delivery_lanes *l = &d->lanes;

	l->v = mem_zalloc(DELIVERY_LANES, sizeof(*l->v));
	while (l->lanes < l->most && open_lane(d, &l->v[l->lanes]))
		l->lanes++;
	if (l->lanes)
		log_verbose("%s: a round trip takes %d ms: %zu further "
			    "channels are opened",
			d->target->text, session_rtt(&d->session), l->lanes);
}

void
delivery_open_lanes(struct delivery *d)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	d->lanes.parts = true;
	d->lanes.since = io_now_ms();
	choose_most(d);
	delivery_lock(d);
	while (ranges_next(&d->need, &at, &line))
		add_needed(d, line);
	delivery_unlock(d);
}

/*
 * Where the line or the compressor is what limits, more channels gain nothing,
 * and each would compress by itself.  It is the window if in some round trips
 * most of one came through in each; the first ones only fill buffers.
 */
static bool
window_limits(struct delivery *d)
{
	struct delivery_lanes *l = &d->lanes;
	int64_t rtt = session_rtt(&d->session), now = io_now_ms();
	int64_t ms = now - l->since;
	uint64_t sent = session_sent(&d->session), before = l->sent;

	if (!before && ms < 2 * rtt)
		return false;
	if (before && ms < 3 * rtt)
		return false;
	l->since = now;
	l->sent = sent;
	return before &&
		(double)(sent - before) * (double)rtt / (double)ms >
		0.6 * WINDOW;
}

static void
consider_lanes(struct delivery *d)
{
	const struct delivery_lanes *l = &d->lanes;

	if (!l->v && l->most && l->next < l->n && (l->told || window_limits(d)))
		open_lanes(d);
}

/* What another channel lost comes behind lines that are above it. */
static void
note_given(struct ranges *given, uint32_t line)
{
	if (!given->n || line > given->v[given->n - 1].last) {
		ranges_add(given, line);
		return;
	}
	MEM_GROW(given->v, given->n, given->cap);
	given->v[given->n++] = (struct range){ line, line };
}

/* Gives out a slice, ascending, to a packer whose channel is told. */
static uint64_t
give(struct delivery *d, struct channel *c, struct packer *pack,
	struct ranges *given)
{
	struct delivery_lanes *l = &d->lanes;
	struct ranges part = { NULL, 0, 0 };
	uint64_t bytes = 0;
	struct wanted w;
	size_t first = l->next, i;

	delivery_lock(d);
	while (l->next < l->n && bytes < SLICE &&
		(l->next == first || l->todo[l->next] > l->todo[l->next - 1])) {
		uint32_t line = l->todo[l->next++];

		ranges_add(&part, line);
		if (given)
			note_given(given, line);
		if (wanted_find(&w, &d->m, line) == 0)
			bytes += w.size;
	}
	delivery_unlock(d);
	/* Told before any of it can be sent. */
	ranges_send(c, "part", &part);
	for (i = first; i < l->next; i++)
		packer_ask(pack, l->todo[i]);
	ranges_release(&part);
	return bytes;
}

static bool
hungry(const struct delivery *d, struct packer *pack, uint64_t asked)
{
	return d->lanes.next < d->lanes.n && packer_done(pack) + SLICE > asked;
}

static void
keep_amended(void *arg, const struct entry *e)
{
	const struct delivery_lane *lane = arg;

	delivery_note_amended(lane->of, lane, e);
}

/* What was given to it is to be sent all the same. */
static void
lose_lane(struct delivery *d, struct delivery_lane *l, const char *why)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	l->open = false;
	l->over = true;
	session_close(&l->session);
	packer_free(l->pack);
	l->pack = NULL;
	/* By now all has arrived. */
	if (d->state > DELIVERY_WAITING)
		return;
	log_verbose("%s: a further channel ended: %s", d->target->text, why);
	while (ranges_next(&l->given, &at, &line))
		add_line(&d->lanes, line);
	ranges_release(&l->given);
	delivery_forget_amended(&d->lanes, l);
	if (d->state == DELIVERY_WAITING)
		d->state = DELIVERY_SENDING;
}

static int
take_bad(struct delivery_lane *l, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	struct wanted w;
	uint32_t line;
	int rc = ranges_read(&r, f->data, f->len, l->m.lines, err);

	l->again += ranges_count(&r);
	if (rc == 0 && l->again > MOST_AGAIN(l->m))
		rc = error_set(err, "it asks for the same again and again");
	while (rc == 0 && ranges_next(&r, &at, &line)) {
		packer_lock(l->pack);
		rc = wanted_find(&w, &l->m, line);
		packer_unlock(l->pack);
		if (rc < 0) {
			error_set(err, "line %u is no file's", line);
			break;
		}
		channel_sendf(&l->session.channel, "part", "%u\n", line);
		packer_again(l->pack, line);
	}
	ranges_release(&r);
	return rc;
}

/* -1: the lane is over. */
static int
read_lane(struct delivery_lane *l, struct error *err)
{
	struct msg_result r = { 0 };
	struct frame f;
	int rc;

	while ((rc = session_next(&l->session, &f, err)) > 0) {
		if (!strcmp(f.type, "bad")) {
			if (take_bad(l, &f, err) < 0)
				return -1;
		} else if (!strcmp(f.type, "result")) {
			if (MESSAGE_READ(result, &f, &r, err) == 0)
				result_to_error(&r, err);
			MESSAGE_RELEASE(result, &r);
			return -1;
		} else if (f.type[0] != '.') {
			return error_set(err, "an unexpected %s frame", f.type);
		}
	}
	l->open = l->session.greeted;
	return rc;
}

/* A failure to read our own files concerns all. */
static int
step_lane(struct delivery *d, struct delivery_lane *l, struct error *err)
{
	struct error why = ERROR_INIT;

	if (l->over)
		return 0;
	if (read_lane(l, &why) < 0 || l->session.channel.broken) {
		lose_lane(d, l, why.text);
		return 0;
	}
	if (!l->open)
		return 0;
	if (hungry(d, l->pack, l->asked))
		l->asked += give(d, &l->session.channel, l->pack, &l->given);
	packer_waits(l->pack, session_link_us(&d->session));
	return delivery_send_packed(&l->session.channel, l->pack, keep_amended,
		       l, err) == PACK_ERROR ?
		-1 :
		0;
}

int
delivery_step_lanes(struct delivery *d, struct error *err)
{
	struct delivery_lanes *l = &d->lanes;
	size_t i;

	if (!l->parts || d->aborting)
		return 0;
	consider_lanes(d);
	for (i = 0; i < l->lanes; i++)
		if (step_lane(d, &l->v[i], err) < 0)
			return -1;
	if (d->state == DELIVERY_SENDING &&
		hungry(d, delivery_packer(d), l->asked))
		l->asked += give(d, &d->session.channel, d->pack, NULL);
	return 0;
}

size_t
delivery_lane_sessions(struct delivery *d, struct session **out)
{
	size_t i, n = 0;

	for (i = 0; i < d->lanes.lanes; i++) {
		struct delivery_lane *l = &d->lanes.v[i];
		bool wants = l->open && !d->aborting &&
			!channel_full(&l->session.channel);

		l->session.input = wants ? packer_fd(l->pack) : -1;
		if (!l->over)
			out[n++] = &l->session;
	}
	return n;
}

void
delivery_part_again(struct delivery *d, uint32_t line)
{
	if (d->lanes.parts)
		channel_sendf(&d->session.channel, "part", "%u\n", line);
}

bool
delivery_lanes_busy(const struct delivery *d)
{
	const struct delivery_lanes *l = &d->lanes;
	size_t i;

	if (l->next < l->n)
		return true;
	for (i = 0; i < l->lanes; i++)
		if (l->v[i].open && !packer_idle(l->v[i].pack))
			return true;
	return false;
}

void
delivery_close_lanes(struct delivery *d)
{
	size_t i;

	delivery_take_amended(d);
	for (i = 0; i < d->lanes.lanes; i++) {
		struct delivery_lane *l = &d->lanes.v[i];

		l->over = true;
		l->open = false;
		session_close(&l->session);
	}
}

void
delivery_release_lanes(struct delivery *d)
{
	size_t i;

	for (i = 0; i < d->lanes.lanes; i++) {
		struct delivery_lane *l = &d->lanes.v[i];

		packer_free(l->pack);
		manifest_release(&l->m);
		beneath_release(&l->source.at);
		ranges_release(&l->given);
		session_release(&l->session);
	}
	free(d->lanes.amended);
	free(d->lanes.v);
	free(d->lanes.todo);
}
