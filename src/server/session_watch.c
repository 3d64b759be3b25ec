/*
 * Whether the client is there, gives what it owes and reads what is said: it
 * is asked at each turn, once a second at least.
 */
#include "server/session.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "base/io.h"
#include "server/term.h"

/* A client that only watches and takes nothing for so long is let go. */
#define STALL_MS 5000

bool
session_full(struct session *s)
{
	s->full = s->client.tx.len >=
		(s->full ? CHANNEL_QUEUE / 2 : CHANNEL_QUEUE);
	return s->full;
}

/* What came has not been worked off yet: the client owes nothing. */
static bool
is_busy(struct session *s)
{
	const struct channel *intake = &s->intake.channel;
	int unread = 0;

	/* Who does not read what is said keeps it from going on. */
	if (session_full(s))
		return false;
	if (s->client.rx.len >= SESSION_READ_AHEAD)
		return true;
	return s->intake.pid > 0 &&
		(intake->tx.len ||
			(ioctl(s->intake.fd, SIOCOUTQ, &unread) == 0 &&
				unread > 0));
}

static bool
moves(struct session *s, int64_t now)
{
	if (s->client.tx.len && s->client.sent == s->sent)
		return false;
	s->sent = s->client.sent;
	s->moved = now;
	return true;
}

/* Who waits for a lock does not wait for a reader. */
static bool
holds_up_others(struct session *s)
{
	return s->opened && (s->store.lock >= 0 || s->store.switch_lock >= 0) &&
		(s->answering || session_full(s));
}

/*
 * Who only watches must not hold up what goes on: a network that is gone
 * without a word leaves the queue full for ever, and hooks waiting for it.
 * An answer holds nothing up: one that pings may take its time over it, as a
 * pager makes it do.  One that has closed its end cannot ping.
 */
static bool
has_stalled(struct session *s, int64_t now)
{
	if (s->detached && (!s->answering || s->client.eof))
		return now - s->moved >= STALL_MS;
	if (holds_up_others(s))
		return now - s->moved >= SESSION_SILENCE_MS;
	return s->answering && now - s->heard >= SESSION_SILENCE_MS;
}

/* One that takes a byte now and then holds up others as well. */
static bool
reads_too_slowly(struct session *s, int64_t now)
{
	struct error ignored = ERROR_INIT;

	s->reading.owes = s->client.tx.len && holds_up_others(s);
	return patience_check(&s->reading, s->config, now, s->client.sent,
		       false, &ignored) < 0;
}

static void
let_go(struct session *s)
{
	s->client.broken = true;
	buf_clear(&s->client.tx);
}

static void
check_reading(struct session *s, int64_t now)
{
	if (!moves(s, now)) {
		if (has_stalled(s, now))
			let_go(s);
		/* A pager left open keeps no other client out. */
		if (now - s->moved >= SESSION_SILENCE_MS)
			io_close(&s->place);
	}
	if (reads_too_slowly(s, now))
		let_go(s);
}

int
session_watch(struct session *s, struct error *err)
{
	int64_t now = io_now_ms();

	if (now - s->pinged >= SESSION_PING_MS && !s->client.broken) {
		channel_send(&s->client, ".ping", "", 0);
		s->pinged = now;
	}
	check_reading(s, now);
	if (s->detached)
		return 0;
	if (s->cancelled)
		return session_cancel(s, s->cancelled, err);
	if (term_caught())
		return session_cancel(s, SESSION_TOLD, err);
	if (s->client.broken || now - s->heard >= SESSION_SILENCE_MS)
		return session_cancel(s, SESSION_GONE, err);
	return patience_check(&s->patience, s->config, now,
		s->client.received + s->brought, is_busy(s), err);
}
