#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "internal.h"
#include "proxy.h"
#include "resolve.h"
#include "ssh_config.h"

/* Waits for the connection; 0, or -1 with errno. */
static int
wait_connected(const struct transport *t, int fd, int64_t deadline)
{
	socklen_t len = sizeof(int);
	int failed = 0;

	if (transport_wait(t, fd, POLLOUT, deadline) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
		return -1;
	errno = failed;
	return failed ? -1 : 0;
}

static int
try_address(struct connection *n, const struct transport *t,
	const struct addrinfo *a, int64_t deadline)
{
	int one = 1;

	n->fd = socket(a->ai_family,
		a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (n->fd < 0)
		return -1;
	if ((connect(n->fd, a->ai_addr, a->ai_addrlen) < 0 &&
		    errno != EINPROGRESS) ||
		wait_connected(t, n->fd, deadline) < 0) {
		io_close(&n->fd);
		return -1;
	}
	/* Packets are whole when they are written: nothing to wait for. */
	(void)setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(n->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return 0;
}

/* Every address gets its share of the time that is left. */
static int
try_all(struct connection *n, const struct transport *t,
	const struct addrinfo *list, int64_t deadline)
{
	const struct addrinfo *a;
	int count = 0, failed = 0;

	for (a = list; a; a = a->ai_next)
		count++;
	for (a = list; a; a = a->ai_next, count--) {
		int64_t now = io_now_ms();
		int64_t share = (deadline - now) / count;

		(void)getnameinfo(a->ai_addr, a->ai_addrlen, n->address,
			sizeof(n->address), NULL, 0, NI_NUMERICHOST);
		if (try_address(n, t, a, now + share) == 0)
			return 0;
		failed = errno;
		if (failed == ECANCELED)
			break;
		log_debug("%s: %s", n->address, strerror(failed));
	}
	errno = failed;
	return -1;
}

static int
open_tcp(struct connection *n, struct transport *t, const struct ssh_config *c,
	int64_t deadline, struct error *err)
{
	struct addrinfo hints = { .ai_family = c->family,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char port[16];
	int rc;

	snprintf(port, sizeof(port), "%d", c->port);
	rc = resolve(t, c->hostname, port, &hints, deadline, &list);
	if (rc == EAI_SYSTEM && errno == ECANCELED)
		return transport_interrupted(t, err);
	if (rc == EAI_SYSTEM)
		error_errno(err, "cannot find the address of %s", c->hostname);
	else if (rc != 0)
		error_set(err, "cannot find the address of %s: %s", c->hostname,
			gai_strerror(rc));
	err->status = STATUS_CONNECT;
	if (rc != 0)
		return -1;
	rc = try_all(n, t, list, deadline);
	if (rc < 0 && errno == ECANCELED) {
		transport_interrupted(t, err);
	} else if (rc < 0) {
		error_errno(err, "cannot connect to %s port %d", c->hostname,
			c->port);
		err->status = STATUS_CONNECT;
	}
	freeaddrinfo(list);
	n->tcp = true;
	return rc;
}

void
connection_init(struct connection *n)
{
	memset(n, 0, sizeof(*n));
	n->fd = n->errors = n->secrets[0] = n->secrets[1] = -1;
}

int
connection_open(struct connection *n, struct transport *t,
	const struct ssh_config *c, int64_t deadline, struct error *err)
{
	if (c->proxy_command || c->proxy_jump)
		return proxy_open(n, t, c, err);
	return open_tcp(n, t, c, deadline, err);
}

void
connection_errors(struct connection *n, struct transport *t)
{
	char data[4096];
	ssize_t got;

	if (n->errors < 0)
		return;
	while ((got = read(n->errors, data, sizeof(data))) > 0)
		transport_errors(t, data, (size_t)got);
	if (got == 0)
		io_close(&n->errors);
	io_close(&n->secrets[0]);
	io_close(&n->secrets[1]);
}

void
connection_close(struct connection *n, struct transport *t)
{
	io_close(&n->fd);
	if (n->proxy)
		proxy_close(n);
	connection_errors(n, t);
	io_close(&n->errors);
	io_close(&n->secrets[0]);
	io_close(&n->secrets[1]);
}
