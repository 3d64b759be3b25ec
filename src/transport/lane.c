#include "lane.h"

#include <sys/socket.h>

#include "internal.h"
#include "link.h"

bool
lane_write(struct link *link, struct lane *l)
{
	struct buf *up = &l->relay.up;
	ssize_t n;

	if (!up->len || l->eof_sent || !l->started)
		return false;
	n = libssh2_channel_write(l->channel, up->data,
		up->len < CHUNK ? up->len : CHUNK);
	if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (n < 0) {
		/* Writing is over; reading need not be. */
		l->eof_sent = true;
		buf_clear(up);
		return false;
	}
	buf_consume(up, (size_t)n);
	link_mark(link);
	return true;
}

void
lane_end_writing(struct lane *l)
{
	if (l->started && l->relay.up_ended && !l->relay.up.len &&
		!l->eof_sent &&
		libssh2_channel_send_eof(l->channel) != LIBSSH2_ERROR_EAGAIN)
		l->eof_sent = true;
}

/*
 * A failure hides what libssh2 has queued: it is asked again until it has
 * nothing more.
 */
static bool
read_stream(struct link *link, struct lane *l, int stream)
{
	char data[CHUNK];
	bool any = false;
	int failures = 0;

	while (failures < 2 && relay_room(&l->relay) >= sizeof(data)) {
		ssize_t n = libssh2_channel_read_ex(l->channel, stream, data,
			sizeof(data));

		if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
			break;
		if (n < 0) {
			failures++;
			continue;
		}
		any = true;
		if (stream)
			transport_errors(link->t, data, (size_t)n);
		else
			relay_add(&l->relay, data, (size_t)n);
	}
	if (failures)
		link->ended = true;
	return any;
}

void
lane_read(struct link *link, struct lane *l)
{
	while (read_stream(link, l, 0) ||
		read_stream(link, l, SSH_EXTENDED_DATA_STDERR))
		;
	/*
	 * What libssh2 has read already no poll tells of; nor does the peer
	 * send more before the window opens, which reading does.
	 */
	l->held = relay_room(&l->relay) < CHUNK;
	if (libssh2_channel_eof(l->channel) == 1)
		l->eof_seen = true;
}

void
lane_close(struct lane *l)
{
	l->finished = true;
	buf_clear(&l->relay.up);
	(void)shutdown(l->relay.fd, SHUT_RDWR);
}

bool
lane_start(struct link *link, struct lane *l, const char *command)
{
	LIBSSH2_SESSION *s = link->session;
	int rc;

	if (!l->channel) {
		l->channel = libssh2_channel_open_session(s);
		if (!l->channel) {
			if (libssh2_session_last_errno(s) ==
				LIBSSH2_ERROR_EAGAIN)
				return false;
			lane_close(l);
			return true;
		}
	}
	rc = libssh2_channel_exec(l->channel, command);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (rc == 0)
		l->started = true;
	else
		lane_close(l);
	return true;
}
