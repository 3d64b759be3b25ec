#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "internal.h"

void
relay_init(struct relay *r, struct transport *t, int fd)
{
	memset(r, 0, sizeof(*r));
	r->t = t;
	r->fd = fd;
}

void
relay_release(struct relay *r)
{
	buf_release(&r->up);
	buf_release(&r->down);
}

struct pollfd
relay_pollfd(const struct relay *r)
{
	struct pollfd p = { r->fd, 0, 0 };

	if (!r->up_ended && r->up.len < QUEUE_MOST)
		p.events |= POLLIN;
	if (r->down.len)
		p.events |= POLLOUT;
	/* A hang-up is reported unasked, for ever. */
	if (r->gone && !p.events)
		p.fd = -1;
	return p;
}

static void
pull(struct relay *r)
{
	ssize_t n = io_read_some(r->fd, &r->up, CHUNK);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		r->up_ended = true;
}

static void
push(struct relay *r)
{
	if (io_send_some(r->fd, &r->down) < 0) {
		r->gone = true;
		buf_clear(&r->down);
	}
}

void
relay_turn(struct relay *r, short revents)
{
	if (revents & (POLLHUP | POLLERR))
		r->gone = true;
	if (!r->up_ended && r->up.len < QUEUE_MOST &&
		revents & (POLLIN | POLLHUP | POLLERR))
		pull(r);
	if (r->gone)
		buf_clear(&r->down);
	push(r);
}

size_t
relay_room(const struct relay *r)
{
	return r->down.len < QUEUE_MOST ? QUEUE_MOST - r->down.len : 0;
}

void
relay_add(struct relay *r, const char *data, size_t len)
{
	if (len)
		r->t->talked = true;
	if (!r->gone)
		buf_add(&r->down, data, len);
}

void
relay_finish(struct relay *r)
{
	push(r);
	while (r->down.len && !r->gone && !transport_stopped(r->t)) {
		struct pollfd p[2] = { { r->fd, POLLOUT, 0 },
			{ r->t->wake, POLLIN, 0 } };

		if (atomic_load(&r->t->closing))
			break;
		(void)poll(p, 2, -1);
		if (p[0].revents & (POLLHUP | POLLERR))
			r->gone = true;
		push(r);
	}
	(void)shutdown(r->fd, SHUT_WR);
}
