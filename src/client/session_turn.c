/* What moves the bytes of all sessions, within the limit of their rate. */
#include "client/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"

#define PING_MS 10000

static bool
is_open(const struct session *s)
{
	return s->transport || s->branch;
}

/* Whether the limit lets something through; while it does not is counted. */
static bool
has_allowance(struct session *s)
{
	int64_t now;
	bool has;

	if (!s->limit)
		return true;
	now = io_now_us();
	has = bucket_allows(s->limit, now) > 0;
	if (s->limited_since)
		s->limited_us += now - s->limited_since;
	s->limited_since = has ? 0 : now;
	return has;
}

/* Whether there is something to send; if only later, *timeout is cut. */
static bool
may_send(struct session *s, int *timeout_ms)
{
	int wait;

	if (!s->channel.tx.len || s->channel.broken)
		return false;
	if (has_allowance(s))
		return true;
	wait = bucket_wait(s->limit);
	if (*timeout_ms < 0 || *timeout_ms > wait)
		*timeout_ms = wait;
	return false;
}

static void
prepare_poll(struct session *s, struct pollfd *p, int *timeout_ms)
{
	*p = (struct pollfd){ -1, 0, 0 };
	if (!s || !is_open(s))
		return;
	if (!s->channel.eof && !s->paused)
		p->events |= POLLIN;
	if (may_send(s, timeout_ms))
		p->events |= POLLOUT;
	if (p->events)
		p->fd = s->channel.in;
}

static void
keep_alive(struct session *s)
{
	int64_t now = io_now_ms();

	/* Who does not listen cannot tell whether somebody speaks. */
	if (s->paused)
		s->heard = now;
	if (now - s->pinged < PING_MS)
		return;
	s->pinged = now;
	channel_send(&s->channel, ".ping", "", 0);
}

static int
pump(struct session *s, const struct pollfd *p, struct error *err)
{
	uint64_t before = s->channel.received, sent = s->channel.sent;
	const short readable = POLLIN | POLLHUP | POLLERR;

	if (s->limit)
		s->channel.allowance = bucket_allows(s->limit, io_now_us());
	if (channel_pump(&s->channel, (p->revents & readable) != 0,
		    (p->revents & (POLLOUT | POLLERR)) != 0, err) < 0)
		return -1;
	if (s->limit)
		bucket_take(s->limit, (size_t)(s->channel.sent - sent));
	if (s->channel.received != before)
		s->heard = io_now_ms();
	return 0;
}

int
sessions_turn(struct session *const *v, size_t n, int timeout_ms,
	struct error *err)
{
	struct pollfd *p = mem_zalloc(2 * n, sizeof(*p));
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++) {
		prepare_poll(v[i], &p[i], &timeout_ms);
		p[n + i] = (struct pollfd){ v[i] ? v[i]->input : -1, POLLIN,
			0 };
	}
	if (poll(p, 2 * n, timeout_ms) < 0 && errno != EINTR)
		rc = error_errno(err, "poll");
	for (i = 0; i < n; i++)
		if (v[i])
			v[i]->input_ready = p[n + i].revents != 0;
	for (i = 0; rc == 0 && i < n; i++) {
		if (p[i].fd >= 0)
			rc = pump(v[i], &p[i], err);
		if (v[i] && is_open(v[i]))
			keep_alive(v[i]);
	}
	free(p);
	return rc;
}
