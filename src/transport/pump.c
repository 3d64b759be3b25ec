#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "backlog.h"
#include "base/error.h"
#include "base/io.h"
#include "internal.h"
#include "lane.h"
#include "link.h"

struct pump {
	struct link *link;
	const char *command;
	/* The conversation's own, then the branches. */
	struct lane lanes[1 + TRANSPORT_BRANCHES];
	size_t n;
	int alive_ms;
	int64_t looked; /* when we last asked for the time */
	int64_t kept;   /* when the last keepalive went out */
	int64_t linger; /* until when the rest is waited for, or 0 */
	struct backlog backlog;
};

/* A packet of each in turn, so that none waits for another. */
static void
write_lanes(struct pump *p)
{
	bool any = true;
	size_t i;

	while (any) {
		any = false;
		for (i = 0; i < p->n && p->link->out.len < QUEUE_MOST; i++)
			any |= lane_write(p->link, &p->lanes[i]);
	}
	for (i = 0; i < p->n; i++)
		lane_end_writing(&p->lanes[i]);
}

static void
read_lanes(struct pump *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->lanes[i].started && !p->lanes[i].finished)
			lane_read(p->link, &p->lanes[i]);
}

/* Branches that the caller has asked for since. */
static void
take_branches(struct pump *p)
{
	struct transport *t = p->link->t;

	while (p->n < 1 + atomic_load(&t->branches)) {
		struct lane *l = &p->lanes[p->n];

		relay_init(&l->relay, t, t->branch[p->n - 1]);
		p->n++;
	}
}

/* libssh2 opens one channel at a time. */
static void
start_branches(struct pump *p)
{
	size_t i;

	for (i = 1; i < p->n; i++)
		if (!p->lanes[i].started && !p->lanes[i].finished &&
			!lane_start(p->link, &p->lanes[i], p->command))
			return;
}

/* When the conversation ends if nothing is said, or at all; 0: never. */
static int64_t
last_moment(const struct pump *p)
{
	const struct link *l = p->link;

	return transport_until(l->t, l->t->talked ? 0 : l->until);
}

/* When the peer was heard of last. */
static int64_t
heard(struct pump *p, int64_t now)
{
	atomic_int_fast64_t *last = &p->link->t->heard;

	/*
	 * Not read because the caller does not, or because we did not run
	 * ourselves (^Z): that says nothing of the peer.
	 */
	if (relay_room(&p->lanes[0].relay) < CHUNK ||
		now - p->looked > p->alive_ms / 2)
		atomic_store(last, now);
	p->looked = now;
	return atomic_load(last);
}

/* -1 if the peer is dead; else for how long to sleep. */
static int
keep_alive(struct pump *p, struct error *err)
{
	struct transport *t = p->link->t;
	int64_t now = io_now_ms(), interval = p->alive_ms / 3;
	bool waiting = link_note_acks(p->link);
	int64_t last = heard(p, now), end = last_moment(p);
	int64_t due = last > p->kept ? last : p->kept;

	if (now - last >= p->alive_ms)
		return error_status(err, transport_failure(t),
			"%s has not answered for %d seconds", t->o->host,
			p->alive_ms / 1000);
	if (end && now >= end)
		return transport_late(t, err);
	if (now - due >= interval) {
		(void)libssh2_keepalive_send(p->link->session, NULL);
		p->kept = due = now;
	}
	due += interval;
	if (due > last + p->alive_ms)
		due = last + p->alive_ms;
	/* An acknowledgement wakes nobody up. */
	if (waiting && due > now + 1000)
		due = now + 1000;
	if (end && due > end)
		due = end;
	return due > now ? (int)(due - now) : 0;
}

/* The last words have been read: the caller may know. */
static void
finish(struct pump *p)
{
	struct lane *l = &p->lanes[0];

	if (l->finished)
		return;
	relay_finish(&l->relay);
	l->finished = true;
	p->linger = io_now_ms() + LINGER_MS;
}

/* Whether the remote has said all: its end, or the connection's. */
static bool
over(struct pump *p)
{
	struct transport *t = p->link->t;
	struct lane *l = &p->lanes[0];

	if (!p->linger && (atomic_load(&t->closing) || l->eof_seen))
		p->linger = io_now_ms() + LINGER_MS;
	/* If there were none, how it ended is what the caller wants to know. */
	if (l->eof_seen && t->talked && relay_room(&l->relay) >= CHUNK)
		finish(p);
	if (p->link->ended && relay_room(&l->relay) >= CHUNK)
		return true;
	if (l->eof_seen && libssh2_channel_wait_closed(l->channel) == 0)
		return true;
	return p->linger && io_now_ms() >= p->linger;
}

static void
turn_relays(struct pump *p, const struct pollfd *fds)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct lane *l = &p->lanes[i];

		if (l->finished)
			continue;
		relay_turn(&l->relay, fds ? fds[i].revents : 0);
		if (i && (l->relay.gone || (l->eof_seen && !l->relay.down.len)))
			lane_close(l);
	}
}

/* Whether one has room for what comes, and whether libssh2 holds some. */
static bool
any_room(const struct pump *p, bool *held)
{
	bool room = false;
	size_t i;

	*held = false;
	for (i = 0; i < p->n; i++) {
		const struct lane *l = &p->lanes[i];

		if (relay_room(&l->relay) >= CHUNK) {
			room = true;
			*held |= l->held && !l->finished;
		}
	}
	return room;
}

/* What a jump has in its buffers may be as much as fits in the windows. */
static bool
link_is_full(const struct pump *p)
{
	const struct link *l = p->link;
	bool full = l->connection.tcp ?
		backlog_of_socket(l->connection.fd, l->out.len) :
		l->out.len > 0;
	size_t i;

	for (i = 0; l->connection.jump && i < p->n; i++)
		full |= p->lanes[i].relay.up.len > 0;
	return full;
}

static int
wait_turn(struct pump *p, struct error *err)
{
	struct link *l = p->link;
	struct pollfd fds[3 + 1 + TRANSPORT_BRANCHES], *lanes = fds + 3;
	int sleep_ms = keep_alive(p, err);
	bool held, room = any_room(p, &held);
	size_t i, n = p->n;

	if (sleep_ms < 0)
		return -1;
	link_flush(l);
	if (p->linger && sleep_ms > 20)
		sleep_ms = 20;
	if (held)
		sleep_ms = 0;
	fds[0] = (struct pollfd){ l->connection.fd, 0, 0 };
	if (!l->ended && room)
		fds[0].events |= POLLIN;
	if (l->out.len)
		fds[0].events |= POLLOUT;
	if (!fds[0].events)
		fds[0].fd = -1;
	fds[1] = (struct pollfd){ p->linger ? -1 : l->t->wake, POLLIN, 0 };
	fds[2] = (struct pollfd){ l->connection.errors, POLLIN, 0 };
	for (i = 0; i < n; i++) {
		lanes[i] = relay_pollfd(&p->lanes[i].relay);
		if (p->lanes[i].finished)
			lanes[i].fd = -1;
	}
	backlog_note(&p->backlog, l->t, link_is_full(p));
	if (poll(fds, 3 + n, sleep_ms) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	backlog_note(&p->backlog, l->t, link_is_full(p));
	if (fds[1].revents)
		transport_awake(l->t);
	if (transport_stopped(l->t))
		return transport_interrupted(l->t, err);
	if (fds[2].revents)
		connection_errors(&l->connection, l->t);
	turn_relays(p, lanes);
	return 0;
}

static int
exit_status(const struct pump *p)
{
	const struct lane *l = &p->lanes[0];
	char *name = NULL;
	size_t len = 0;

	if (!l->eof_seen)
		return -1;
	if (libssh2_channel_get_exit_signal(l->channel, &name, &len, NULL, NULL,
		    NULL, NULL) == 0 &&
		name) {
		libssh2_free(p->link->session, name);
		return -1;
	}
	return libssh2_channel_get_exit_status(l->channel);
}

static void
release(struct pump *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (i && !p->lanes[i].finished)
			lane_close(&p->lanes[i]);
		relay_release(&p->lanes[i].relay);
	}
}

int
pump_run(struct link *l, LIBSSH2_CHANNEL *channel, const char *command,
	int alive_ms, int *status, struct error *err)
{
	struct pump p = { .link = l, .command = command, .n = 1 };
	struct lane *own = &p.lanes[0];
	int rc = 0;

	p.alive_ms = alive_ms;
	p.looked = p.kept = io_now_ms();
	/* Whatever logging in took. */
	if (l->until < p.kept + alive_ms)
		l->until = p.kept + alive_ms;
	libssh2_keepalive_config(l->session, 1, 1);
	own->channel = channel;
	own->started = true;
	relay_init(&own->relay, l->t, l->t->inner);
	transport_can_branch(l->t);
	for (;;) {
		take_branches(&p);
		start_branches(&p);
		write_lanes(&p);
		read_lanes(&p);
		if (over(&p))
			break;
		turn_relays(&p, NULL);
		rc = wait_turn(&p, err);
		if (rc < 0)
			break;
	}
	*status = exit_status(&p);
	/* What was cut off is no end; the caller's close is one. */
	if (rc == 0 && !own->eof_seen && l->ended)
		rc = link_broken(l, err);
	if (!own->finished)
		relay_finish(&own->relay);
	release(&p);
	return rc;
}
