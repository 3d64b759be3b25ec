#include "link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/io.h"
#include "internal.h"

#define MSG_NEWKEYS 21

/* NEWKEYS is the last packet whose type shows. */
static void
count_packet(struct link *l, const unsigned char *data, size_t len)
{
	if (l->keyed)
		l->sealed++;
	else
		l->keyed = len > 5 && data[5] == MSG_NEWKEYS;
}

/* Called by libssh2: the length, or -errno. */
static ssize_t
take_packet(libssh2_socket_t fd, const void *data, size_t len, int flags,
	void **abstract)
{
	struct link *l = *abstract;

	count_packet(l, data, len);
	if (!l->deaf)
		buf_add(&l->out, data, len);
	return (ssize_t)len;
}

static ssize_t
give_bytes(libssh2_socket_t fd, void *data, size_t len, int flags,
	void **abstract)
{
	struct link *l = *abstract;
	ssize_t n;

	if (l->closing)
		return -EPIPE;
	if (l->ended || l->plugged)
		return -EAGAIN;
	do {
		n = recv(fd, data, len, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n <= 0) {
		l->ended = true;
		l->failed = n < 0 ? errno : 0;
		return -EAGAIN;
	}
	if (l->connection.tcp) {
		int one = 1;

		/* The kernel forgets it: a late ACK costs 40 ms. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one,
			sizeof(one));
	}
	transport_heard(l->t, (size_t)n);
	return n;
}

static void
note_disconnect(LIBSSH2_SESSION *session, int reason, const char *message,
	int message_len, const char *language, int language_len,
	void **abstract)
{
	struct link *l = *abstract;

	if (message_len <= 0)
		return;
	transport_errors(l->t, message, (size_t)message_len);
	transport_errors(l->t, "\n", 1);
	l->said_why = true;
}

void
link_init(struct link *l, struct transport *t, int64_t until)
{
	memset(l, 0, sizeof(*l));
	l->t = t;
	l->until = until;
	connection_init(&l->connection);
}

int
link_open(struct link *l, struct error *err)
{
	l->session = libssh2_session_init_ex(NULL, NULL, NULL, l);
	if (!l->session)
		return error_status(err, STATUS_CONNECT,
			"libssh2 cannot be started");
	l->shaking = true;
	libssh2_session_set_blocking(l->session, 0);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_SEND,
		(void *)take_packet);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_RECV,
		(void *)give_bytes);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_DISCONNECT,
		(void *)note_disconnect);
	return 0;
}

void
link_close(struct link *l)
{
	if (l->session) {
		if (!l->ended && !l->deaf)
			(void)libssh2_session_disconnect(l->session, "done");
		link_flush(l);
		l->closing = true;
		while (libssh2_session_free(l->session) == LIBSSH2_ERROR_EAGAIN)
			;
	}
	l->session = NULL;
	connection_close(&l->connection, l->t);
	buf_release(&l->out);
}

int
link_shake(struct link *l)
{
	int rc = libssh2_session_handshake(l->session, l->connection.fd);

	l->shaking = rc == LIBSSH2_ERROR_EAGAIN;
	return rc;
}

bool
link_reads_ahead(const struct link *l)
{
	const char *banner = libssh2_session_banner_get(l->session);

	return banner && !strncmp(banner, "SSH-2.0-OpenSSH_", 16);
}

void
link_plug(struct link *l, bool plugged)
{
	l->plugged = plugged;
}

void
link_ask_channel(struct link *l)
{
	link_plug(l, true);
	(void)libssh2_channel_open_session(l->session);
	link_plug(l, false);
	l->asked = true;
}

void
link_flush(struct link *l)
{
	ssize_t n = l->deaf ? 0 : io_send_some(l->connection.fd, &l->out);

	if (n < 0) {
		/* What the peer said last can still be read. */
		l->deaf = true;
		buf_clear(&l->out);
		return;
	}
	atomic_fetch_add(&l->t->sent, (uint64_t)n);
	l->written += (uint64_t)n;
}

int
link_broken(const struct link *l, struct error *err)
{
	char line[512];

	transport_last_error(l->t, line, sizeof(line));
	return error_status(err, transport_failure(l->t),
		"the connection to %s ended: %s", l->t->o->host,
		*line && (l->said_why || l->connection.proxy) ? line :
			l->failed ? strerror(l->failed) :
				    "closed by the other side");
}

int
link_wait(struct link *l, int64_t deadline, struct error *err)
{
	struct pollfd p[3] = { { l->connection.fd, POLLIN, 0 },
		{ l->t->wake, POLLIN, 0 },
		{ l->connection.errors, POLLIN, 0 } };
	int64_t left = transport_until(l->t,
			       deadline < l->until ? deadline : l->until) -
		io_now_ms();

	link_flush(l);
	if (l->ended)
		return link_broken(l, err);
	if (left <= 0)
		return transport_late(l->t, err);
	if (l->out.len)
		p[0].events |= POLLOUT;
	if (poll(p, 3, (int)left) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	if (transport_stopped(l->t))
		return transport_interrupted(l->t, err);
	if (p[2].revents)
		connection_errors(&l->connection, l->t);
	return 0;
}

void
link_extend(struct link *l, int64_t since)
{
	l->until += io_now_ms() - since;
}

void
link_mark(struct link *l)
{
	l->marked = l->written + l->out.len;
}

bool
link_note_acks(struct link *l)
{
	uint64_t acked;
	int waiting;

	if (l->acked >= l->marked || !l->connection.tcp ||
		ioctl(l->connection.fd, SIOCOUTQ, &waiting) < 0)
		return false;
	acked = l->written - (uint64_t)waiting;
	if (acked > l->acked) {
		l->acked = acked;
		atomic_store(&l->t->heard, io_now_ms());
	}
	return l->acked < l->marked;
}

const char *
link_error(const struct link *l)
{
	char *text = NULL;

	(void)libssh2_session_last_error(l->session, &text, NULL, 0);
	return text ? text : "";
}
