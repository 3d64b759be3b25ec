#include "server/session.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "server/term.h"

/* How long a client may go on talking after its answer. */
#define LINGER_MS 5000
#define FDS_MOST 32
/* Between two looks at the client while much is to do. */
#define BUSY_MS 20

void
session_init(struct session *s, const struct config *c, int in, int out)
{
	memset(s, 0, sizeof(*s));
	s->config = c;
	s->log = s->place = -1;
	s->heard = s->pinged = s->moved = io_now_ms();
	patience_init(&s->patience, c, s->heard);
	patience_init(&s->reading, c, s->heard);
	s->reading.asked = true;
	channel_init(&s->client, in, out, true, "the client");
	s->client.trace = channel_trace_open();
}

void
session_release(struct session *s)
{
	intake_stop(&s->intake);
	io_close(&s->log);
	io_close(&s->place);
	if (s->opened)
		store_release(&s->store);
	channel_release(&s->client);
}

static short
channel_events(const struct channel *c, bool may_read)
{
	short events = 0;

	if (!c->eof && may_read)
		events |= POLLIN;
	return events;
}

/* Fills in the polled descriptors of a channel: two entries. */
static void
poll_channel(struct pollfd p[static 2], const struct channel *c, bool may_read)
{
	p[0] = (struct pollfd){ c->in, channel_events(c, may_read), 0 };
	p[1] = (struct pollfd){ c->out, c->tx.len ? POLLOUT : 0, 0 };
	if (!p[0].events)
		p[0].fd = -1;
	if (!p[1].events)
		p[1].fd = -1;
}

static int
pump(struct channel *c, const struct pollfd p[static 2], struct error *err)
{
	return channel_pump(c, p[0].revents != 0, p[1].revents != 0, err);
}

int
session_cancel(struct session *s, enum session_end why, struct error *err)
{
	s->cancelled = why;
	return error_status(err, session_status(s), "%s",
		why == SESSION_ABORTED      ? "cancelled by the client" :
			why == SESSION_GONE ? "the client went away" :
					      "deployd was told to end");
}

enum status
session_status(const struct session *s)
{
	return s->cancelled == SESSION_ABORTED ? STATUS_INT : STATUS_TRANSFER;
}

/*
 * Files that were given to a channel which ended may come again on the first:
 * they are not to fill its queue, behind which nobody would be heard.
 */
static void
drop_files(struct session *s)
{
	static const char *const types[] = { "files", "part", "amend" };
	struct error ignored = ERROR_INIT;
	struct channel *c = &s->client;
	struct frame f;
	long n;
	size_t i;

	while (!c->taken && c->rx.len &&
		(n = frame_parse(c->rx.data, c->rx.len, &f, &ignored)) > 0) {
		for (i = 0; i < 3 && strcmp(f.type, types[i]) != 0; i++)
			;
		if (i == 3 && f.type[0] != '.')
			return;
		buf_consume(&c->rx, (size_t)n);
	}
}

int
session_turn(struct session *s, struct pollfd *fds, int n, int timeout,
	struct error *err)
{
	struct pollfd p[4 + FDS_MOST];
	uint64_t received = s->client.received;
	bool intake = s->intake.pid > 0;
	int i, ready = 0;

	if (timeout < 0 || timeout > 1000)
		timeout = 1000; /* for session_watch() */
	poll_channel(p, &s->client, s->client.rx.len < SESSION_READ_AHEAD);
	if (intake)
		poll_channel(p + 2, &s->intake.channel,
			s->intake.channel.rx.len < SESSION_READ_AHEAD);
	else
		p[2] = p[3] = (struct pollfd){ .fd = -1 };
	for (i = 0; i < n && i < FDS_MOST; i++)
		p[4 + i] = (struct pollfd){ fds[i].fd, fds[i].events, 0 };
	if (poll(p, (nfds_t)(4 + i), timeout) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	/* A client that cannot be read is gone, whatever the reason. */
	if (pump(&s->client, p, err) < 0)
		s->client.eof = true;
	if (intake && pump(&s->intake.channel, p + 2, err) < 0)
		return -1;
	if (s->has_files)
		drop_files(s);
	if (s->client.received != received)
		s->heard = io_now_ms();
	for (i = 0; i < n && i < FDS_MOST; i++) {
		fds[i].revents = p[4 + i].revents;
		ready += fds[i].revents != 0;
	}
	if (session_watch(s, err) < 0)
		return -1;
	return ready;
}

int
session_room(struct session *s, struct error *err)
{
	while (session_full(s))
		if (session_turn(s, NULL, 0, -1, err) < 0)
			return -1;
	return 0;
}

int
session_poll_frame(struct session *s, struct frame *f, struct error *err)
{
	int rc;

	while ((rc = channel_next(&s->client, f, err)) > 0) {
		if (!strcmp(f->type, "abort"))
			return session_cancel(s, SESSION_ABORTED, err);
		if (f->type[0] != '.')
			return 1;
	}
	if (rc == 0 && s->client.eof && !s->detached)
		return session_cancel(s, SESSION_GONE, err);
	if (rc < 0)
		err->status = STATUS_TRANSFER;
	return rc;
}

int
session_await(struct session *s, struct pollfd *fds, int n, struct error *err)
{
	int rc;

	s->patience.owes = true;
	rc = session_turn(s, fds, n, -1, err);
	s->patience.owes = false;
	return rc;
}

int
session_frame(struct session *s, struct frame *f, struct error *err)
{
	int rc;

	while ((rc = session_poll_frame(s, f, err)) == 0)
		if (session_await(s, NULL, 0, err) < 0)
			return -1;
	return rc < 0 ? -1 : 0;
}

void
session_detach(struct session *s)
{
	s->detached = true;
	term_let_go(s->cancelled != SESSION_GOES_ON);
}

void
session_recover(struct session *s, bool on)
{
	s->detached = s->deaf = on;
	s->heard = s->moved = io_now_ms();
}

/* Whether an abort waits among the frames that nobody has taken yet. */
static bool
abort_waits(const struct channel *c)
{
	struct error ignored = ERROR_INIT;
	struct frame f;
	size_t at = c->taken;
	long n = 1;

	while (at < c->rx.len && n > 0) {
		n = frame_parse(c->rx.data + at, c->rx.len - at, &f, &ignored);
		if (n > 0 && !strcmp(f.type, "abort"))
			return true;
		at += n > 0 ? (size_t)n : 0;
	}
	return false;
}

/* A turn that takes no frame away, but heeds an abort. */
static int
wait_untouched(struct session *s, int ms, struct error *err)
{
	if (session_turn(s, NULL, 0, ms, err) < 0)
		return -1;
	if (abort_waits(&s->client))
		return session_cancel(s, SESSION_ABORTED, err);
	return s->client.eof ? session_cancel(s, SESSION_GONE, err) : 0;
}

int
session_busy(void *arg, struct error *err)
{
	struct session *s = arg;
	int64_t now = io_now_ms();

	/* It is called for each of many files. */
	if (now - s->looked < BUSY_MS)
		return 0;
	s->looked = now;
	return wait_untouched(s, 0, err);
}

int
session_wait(void *arg, int ms)
{
	struct error ignored = ERROR_INIT;
	int64_t end = io_now_ms() + ms, left;

	while ((left = end - io_now_ms()) > 0)
		if (wait_untouched(arg, (int)left, &ignored) < 0)
			return -1;
	return 0;
}

/* What still comes is of no use. */
static int
discard(struct session *s, int timeout)
{
	struct error ignored = ERROR_INIT;

	buf_clear(&s->client.rx);
	s->client.taken = 0;
	return session_turn(s, NULL, 0, timeout, &ignored);
}

void
session_answer(struct session *s, const struct msg_result *r)
{
	intake_stop(&s->intake);
	session_detach(s); /* nothing is left to cancel */
	s->answering = true;
	s->heard = s->moved = io_now_ms();
	MESSAGE_SEND(&s->client, "result", result, r);
	while (s->client.tx.len && discard(s, -1) >= 0)
		;
}

void
session_linger(struct session *s)
{
	int64_t end = io_now_ms() + LINGER_MS, left;

	while (!s->client.eof && (left = end - io_now_ms()) > 0 &&
		discard(s, (int)left) >= 0)
		;
}
