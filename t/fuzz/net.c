#include "net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "transport/transport.h"

#define LANE ">lane\n"
#define WAIT ">wait\n"

/* What a client takes for its connection. */
struct transport {
	struct net net;
};

static struct net *now;

static void
open_end(struct net_end *e)
{
	int fds[2];
	int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);

	assert(rc == 0 && io_nonblock(fds[0]) == 0 && io_nonblock(fds[1]) == 0);
	e->client = fds[0];
	e->server = fds[1];
}

static void
say(struct net_end *e, struct cook *c, const char *text, const char *stop)
{
	struct buf said = BUF_INIT;

	cook(c, text, (size_t)(stop - text), &said);
	/* What the socket does not take is cut off. */
	if (said.len && write(e->server, said.data, said.len) < 0)
		(void)shutdown(e->server, SHUT_WR);
	buf_release(&said);
}

static void
find_lanes(struct net *n)
{
	const char *at = n->at, *end = n->stop;

	while ((at = memmem(at, (size_t)(end - at), LANE, strlen(LANE)))) {
		if (n->stop == end)
			n->stop = at;
		at += strlen(LANE);
		if (n->n_texts < NET_LANES)
			n->lane_text[n->n_texts++] = at;
	}
	/* The last one ends where all does. */
	n->end = end;
}

void
net_open(struct net *n, const char *text, const char *stop,
	const struct manifest *base)
{
	memset(n, 0, sizeof(*n));
	n->start = n->at = text;
	n->stop = stop;
	n->main.client = n->main.server = -1;
	open_end(&n->main);
	find_lanes(n);
	cook_init(&n->cook, base);
	now = n;
}

void
net_close(struct net *n)
{
	size_t i;

	io_close(&n->main.server);
	buf_release(&n->main.heard);
	for (i = 0; i < n->n_lanes; i++) {
		io_close(&n->lanes[i].server);
		buf_release(&n->lanes[i].heard);
	}
	cook_release(&n->cook);
	now = NULL;
}

bool
net_say(struct net *n)
{
	const char *next;

	if (n->at == n->stop) {
		(void)shutdown(n->main.server, SHUT_WR);
		return false;
	}
	next = memmem(n->at, (size_t)(n->stop - n->at), WAIT, strlen(WAIT));
	say(&n->main, &n->cook, n->at, next ? next : n->stop);
	n->at = next ? next + strlen(WAIT) : n->stop;
	return true;
}

static void
hear(struct net_end *e)
{
	while (io_read_some(e->server, &e->heard, 65536) > 0)
		;
}

void
net_hear(struct net *n)
{
	size_t i;

	hear(&n->main);
	for (i = 0; i < n->n_lanes; i++)
		hear(&n->lanes[i]);
}

static bool
is_one_of(const char *type, const char *const *types)
{
	while (*types && strcmp(type, *types))
		types++;
	return *types != NULL;
}

void
net_frames(struct buf *heard, const char *const *types, net_frame_fn *fn,
	void *arg)
{
	const size_t magic = strlen(PROTOCOL_MAGIC);
	struct error err = ERROR_INIT;
	struct frame f;
	long n;

	assert(heard->len < magic ||
		!memcmp(heard->data, PROTOCOL_MAGIC, magic));
	buf_consume(heard, heard->len < magic ? heard->len : magic);
	while (heard->len &&
		(n = frame_parse(heard->data, heard->len, &f, &err)) != 0) {
		assert(n > 0 && is_one_of(f.type, types));
		if (fn)
			fn(&f, arg);
		buf_consume(heard, (size_t)n);
	}
}

bool
net_unread(const struct net_end *e)
{
	int n = 0;

	return e->client >= 0 && ioctl(e->client, FIONREAD, &n) == 0 && n > 0;
}

struct transport *
transport_open(const struct transport_options *o)
{
	return (struct transport *)now;
}

int
transport_fd(const struct transport *t)
{
	return t->net.main.client;
}

int
transport_branch(struct transport *t)
{
	struct net *n = &t->net;
	struct net_end *e = &n->lanes[n->n_lanes];
	size_t i = n->n_lanes;
	struct cook c;

	if (i == NET_LANES)
		return -1;
	open_end(e);
	if (i < n->n_texts) {
		cook_init(&c, NULL);
		say(e, &c, n->lane_text[i],
			i + 1 < n->n_texts ?
				n->lane_text[i + 1] - strlen(LANE) :
				n->end);
		cook_release(&c);
	}
	n->n_lanes++;
	return e->client; /* its owner closes it */
}

int
transport_rtt(const struct transport *t)
{
	return 100;
}

void
transport_counts(const struct transport *t, uint64_t *sent, uint64_t *received)
{
	*sent = *received = 0;
}

int64_t
transport_link_us(const struct transport *t)
{
	return 0;
}

void
transport_abort(struct transport *t)
{
}

int
transport_close(struct transport *t, struct transport_report *report,
	struct error *err)
{
	memset(report, 0, sizeof(*report));
	/* What it had said before is heard all the same. */
	io_close(&t->net.main.client);
	return 0;
}
