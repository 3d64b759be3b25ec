#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/error.h"
#include "base/io.h"
#include "internal.h"
#include "link.h"
#include "relay.h"

struct pump {
	struct link *link;
	LIBSSH2_CHANNEL *channel;
	struct relay relay;
	bool eof_sent;
	bool eof_seen; /* the remote's output has ended */
	bool finished; /* the caller was given the end */
	bool held;     /* libssh2 may have more than there was room for */
	int alive_ms;
	int64_t looked; /* when we last asked for the time */
	int64_t kept;   /* when the last keepalive went out */
	int64_t linger; /* until when the rest is waited for, or 0 */
};

static void
write_channel(struct pump *p)
{
	struct buf *up = &p->relay.up;

	while (up->len && !p->eof_sent && p->link->out.len < QUEUE_MOST) {
		ssize_t n = libssh2_channel_write(p->channel, up->data,
			up->len < CHUNK ? up->len : CHUNK);

		if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
			return;
		if (n < 0) {
			/* Writing is over; reading need not be. */
			p->eof_sent = true;
			buf_clear(up);
			return;
		}
		buf_consume(up, (size_t)n);
		link_mark(p->link);
	}
	if (p->relay.up_ended && !up->len && !p->eof_sent &&
		libssh2_channel_send_eof(p->channel) != LIBSSH2_ERROR_EAGAIN)
		p->eof_sent = true;
}

/*
 * A failure hides what libssh2 has queued: it is asked again until it has
 * nothing more.
 */
static bool
read_stream(struct pump *p, int stream)
{
	char data[CHUNK];
	bool any = false;
	int failures = 0;

	while (failures < 2 && relay_room(&p->relay) >= sizeof(data)) {
		ssize_t n = libssh2_channel_read_ex(p->channel, stream, data,
			sizeof(data));

		if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
			break;
		if (n < 0) {
			failures++;
			continue;
		}
		any = true;
		if (stream)
			transport_errors(p->link->t, data, (size_t)n);
		else
			relay_add(&p->relay, data, (size_t)n);
	}
	if (failures)
		p->link->ended = true;
	return any;
}

static void
read_channel(struct pump *p)
{
	while (read_stream(p, 0) || read_stream(p, SSH_EXTENDED_DATA_STDERR))
		;
	/*
	 * What libssh2 has read already no poll tells of; nor does the peer
	 * send more before the window opens, which reading does.
	 */
	p->held = relay_room(&p->relay) < CHUNK;
	if (libssh2_channel_eof(p->channel) == 1)
		p->eof_seen = true;
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
	if (relay_room(&p->relay) < CHUNK || now - p->looked > p->alive_ms / 2)
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
	if (p->finished)
		return;
	relay_finish(&p->relay);
	p->finished = true;
	p->linger = io_now_ms() + LINGER_MS;
}

/* Whether the remote has said all: its end, or the connection's. */
static bool
over(struct pump *p)
{
	struct transport *t = p->link->t;

	if (!p->linger && (atomic_load(&t->closing) || p->eof_seen))
		p->linger = io_now_ms() + LINGER_MS;
	/* If there were none, how it ended is what the caller wants to know. */
	if (p->eof_seen && t->talked && relay_room(&p->relay) >= CHUNK)
		finish(p);
	if (p->link->ended && relay_room(&p->relay) >= CHUNK)
		return true;
	if (p->eof_seen && libssh2_channel_wait_closed(p->channel) == 0)
		return true;
	return p->linger && io_now_ms() >= p->linger;
}

static int
wait_turn(struct pump *p, struct error *err)
{
	struct link *l = p->link;
	struct pollfd fds[4];
	int sleep_ms = keep_alive(p, err);

	if (sleep_ms < 0)
		return -1;
	link_flush(l);
	if (p->linger && sleep_ms > 20)
		sleep_ms = 20;
	if (p->held && relay_room(&p->relay) >= CHUNK)
		sleep_ms = 0;
	fds[0] = relay_pollfd(&p->relay);
	fds[1] = (struct pollfd){ l->connection.fd, 0, 0 };
	if (!l->ended && relay_room(&p->relay) >= CHUNK)
		fds[1].events |= POLLIN;
	if (l->out.len)
		fds[1].events |= POLLOUT;
	if (!fds[1].events)
		fds[1].fd = -1;
	fds[2] = (struct pollfd){ p->linger ? -1 : l->t->wake, POLLIN, 0 };
	fds[3] = (struct pollfd){ l->connection.errors, POLLIN, 0 };
	if (p->finished)
		fds[0].fd = -1;
	if (poll(fds, 4, sleep_ms) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	if (transport_stopped(l->t))
		return transport_interrupted(l->t, err);
	if (fds[3].revents)
		connection_errors(&l->connection, l->t);
	if (!p->finished)
		relay_turn(&p->relay, fds[0].revents);
	return 0;
}

static int
exit_status(const struct pump *p)
{
	char *name = NULL;
	size_t len = 0;

	if (!p->eof_seen)
		return -1;
	if (libssh2_channel_get_exit_signal(p->channel, &name, &len, NULL, NULL,
		    NULL, NULL) == 0 &&
		name) {
		libssh2_free(p->link->session, name);
		return -1;
	}
	return libssh2_channel_get_exit_status(p->channel);
}

int
pump_run(struct link *l, LIBSSH2_CHANNEL *channel, int alive_ms, int *status,
	struct error *err)
{
	struct pump p = { .link = l, .channel = channel };
	int rc = 0;

	p.alive_ms = alive_ms;
	p.looked = p.kept = io_now_ms();
	/* Whatever logging in took. */
	if (l->until < p.kept + alive_ms)
		l->until = p.kept + alive_ms;
	libssh2_keepalive_config(l->session, 1, 1);
	relay_init(&p.relay, l->t);
	for (;;) {
		write_channel(&p);
		read_channel(&p);
		if (over(&p))
			break;
		if (!p.finished)
			relay_turn(&p.relay, 0);
		rc = wait_turn(&p, err);
		if (rc < 0)
			break;
	}
	*status = exit_status(&p);
	/* What was cut off is no end; the caller's close is one. */
	if (rc == 0 && !p.eof_seen && l->ended)
		rc = link_broken(l, err);
	if (!p.finished)
		relay_finish(&p.relay);
	relay_release(&p.relay);
	return rc;
}
