#include "server/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/digest.h"
#include "base/io.h"

#define SOCKET_NAME "put"
#define PING_MS 10000

/* A path that fits, however long that of the store is. */
static struct sockaddr_un
address(int dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir,
		SOCKET_NAME);
	return a;
}

static int
make_token(char token[static LANE_TOKEN + 1])
{
	uint8_t random[LANE_TOKEN / 2];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -1;
	for (i = 0; i < sizeof(random); i++)
		snprintf(token + 2 * i, 3, "%02x", random[i]);
	return 0;
}

int
lanes_open(struct lanes *l, int dir, const struct manifest *m,
	const struct config *c)
{
	struct sockaddr_un a = address(dir);

	if (l->open)
		return -1;
	memset(l, 0, sizeof(*l));
	l->dir = dir;
	l->intake.manifest = m;
	l->intake.umask = c->umask;
	l->intake.most_entries = c->max_entries;
	l->intake.most_file_size = c->max_file_size;
	l->intake.reserve = c->reserve;
	l->intake.tmp = beneath_open(dir, "tmp", O_RDONLY | O_DIRECTORY, 0);
	l->listener = socket(AF_UNIX,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Whoever has the lock may: what lies there is a dead one's. */
	unlinkat(dir, SOCKET_NAME, 0);
	if (l->intake.tmp >= 0 && l->listener >= 0 &&
		make_token(l->token) == 0 &&
		bind(l->listener, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		listen(l->listener, LANES_MOST) == 0) {
		l->open = true;
		return 0;
	}
	io_close(&l->listener);
	io_close(&l->intake.tmp);
	return -1;
}

void
lane_break(struct lane *l)
{
	/* The session goes on: the file comes whole, and wants its room. */
	l->intake.failed = true;
	intake_stop(&l->intake);
	io_close(&l->in);
	io_close(&l->out);
	io_close(&l->joined);
	l->broken = true;
}

void
lane_end(struct lane *l)
{
	if (l->ended)
		return;
	l->ended = true;
	(void)shutdown(l->intake.fd, SHUT_WR);
}

static void
close_lane(struct lane *l)
{
	lane_break(l);
	channel_release(&l->client);
}

void
lanes_rest(struct lanes *l)
{
	size_t i;

	if (!l->open || l->resting)
		return;
	l->resting = true;
	for (i = 0; i < l->n; i++)
		if (!l->v[i].broken)
			intake_stop(&l->v[i].intake);
	unlinkat(l->dir, SOCKET_NAME, 0);
	io_close(&l->listener);
	io_close(&l->intake.tmp);
}

void
lanes_close(struct lanes *l)
{
	size_t i;

	lanes_rest(l);
	for (i = 0; i < l->n; i++)
		close_lane(&l->v[i]);
	l->n = 0;
	l->open = false;
}

/* One of ours, by its account and the token; its two descriptors. */
static int
receive_lane(const struct lanes *l, int fd, int fds[static 2])
{
	char token[LANE_TOKEN];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec v = { token, sizeof(token) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);
	struct cmsghdr *c;
	ssize_t n;

	n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return -1;
	memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
	if (n == sizeof(token) && !memcmp(token, l->token, sizeof(token)) &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
		who.uid == geteuid())
		return 0;
	io_close(&fds[0]);
	io_close(&fds[1]);
	return -1;
}

/* The other end sends at once, or is none of ours: not waited for long. */
static void
accept_lane(struct lanes *l)
{
	struct timeval patience = { 1, 0 };
	struct error ignored = ERROR_INIT;
	struct lane *lane = &l->v[l->n];
	int fds[2], fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	/* One too many reads the end, and so does its client. */
	if (l->n == LANES_MOST) {
		io_close(&fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience));
	if (receive_lane(l, fd, fds) < 0) {
		io_close(&fd);
		return;
	}
	memset(lane, 0, sizeof(*lane));
	lane->joined = fd;
	lane->in = fds[0];
	lane->out = fds[1];
	lane->waits = true;
	lane->pinged = io_now_ms();
	channel_init(&lane->client, lane->in, lane->out, false, "the client");
	lane->client.trace = channel_trace_open();
	if (intake_start(&lane->intake, &l->intake, &ignored) < 0 ||
		io_nonblock(fd) < 0)
		close_lane(lane);
	else
		l->n++;
}

static struct pollfd
pollfd(int fd, bool in, bool out)
{
	short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));

	return (struct pollfd){ fd >= 0 && events ? fd : -1, events, 0 };
}

int
lanes_poll(const struct lanes *l, struct pollfd fds[static LANES_FDS])
{
	size_t i;

	fds[0] = pollfd(l->listener, true, false);
	for (i = 0; i < l->n; i++) {
		const struct lane *v = &l->v[i];
		const struct channel *c = &v->client, *k = &v->intake.channel;
		bool hungry = !channel_full(k) && !c->eof && !v->broken;
		struct pollfd *p = fds + 1 + 4 * i;

		p[0] = pollfd(v->joined, v->waits && hungry, false);
		/* Without an event its hang-up is still told. */
		p[0].fd = v->joined;
		p[1] = pollfd(v->in, !v->waits && hungry, false);
		p[2] = pollfd(v->out, false, c->tx.len > 0);
		p[3] = pollfd(v->intake.fd, !k->eof, k->tx.len > 0);
	}
	return (int)(1 + 4 * l->n);
}

/* What the other process had read before it passed the channel on. */
static void
take_first_bytes(struct lane *l)
{
	ssize_t n = io_read_some(l->joined, &l->client.rx, FRAME_MOST);

	if (n == 0)
		l->waits = false;
	else if (n < 0 && errno != EAGAIN)
		lane_break(l);
}

static void
move(struct lane *l, const struct pollfd p[static 4])
{
	struct error ignored = ERROR_INIT;

	if (l->broken)
		return;
	/* With the process that had it, SSH gives the channel up. */
	if (p[0].revents & (POLLHUP | POLLERR) && !(p[0].revents & POLLIN))
		lane_break(l);
	else if (p[0].revents && l->waits)
		take_first_bytes(l);
	if (l->broken)
		return;
	if (io_now_ms() - l->pinged >= PING_MS) {
		l->pinged = io_now_ms();
		channel_send(&l->client, ".ping", "", 0);
	}
	if (channel_pump(&l->client, p[1].revents, p[2].revents, &ignored) <
			0 ||
		channel_pump(&l->intake.channel,
			p[3].revents & (POLLIN | POLLHUP | POLLERR),
			p[3].revents & POLLOUT, &ignored) < 0)
		lane_break(l);
}

void
lanes_turn(struct lanes *l, const struct pollfd fds[static LANES_FDS])
{
	size_t i, n = l->n;

	for (i = 0; i < n; i++)
		move(&l->v[i], fds + 1 + 4 * i);
	if (fds[0].revents)
		accept_lane(l);
}

uint64_t
lanes_received(const struct lanes *l)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		bytes += l->v[i].client.received;
	return bytes;
}

int
lanes_join(int dir, const char *token, int in, int out, struct error *err)
{
	struct sockaddr_un a = address(dir);
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(2 * sizeof(int)) } };
	struct iovec v = { (char *)token, LANE_TOKEN };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	int both[2] = { in, out };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(CMSG_DATA(&control.head), both, sizeof(both));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		sendmsg(fd, &m, MSG_NOSIGNAL) == LANE_TOKEN)
		return fd;
	io_close(&fd);
	return error_status(err, STATUS_REFUSED,
		"there is no push here that this belongs to");
}
