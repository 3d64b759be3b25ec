#include "server/reach.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/health.h"
#include "base/io.h"

static int
connect_to(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = -1;

	if (fd >= 0)
		rc = connect(fd, a->ai_addr, a->ai_addrlen);
	io_close(&fd);
	return rc;
}

static int
tcp_check(const char *check, char *got, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	struct health_address to;
	int rc = -1;

	errno = EINVAL;
	if (health_address(check, &to) < 0) {
		snprintf(got, size, "%s", health_refuse(check));
		return -1;
	}
	rc = getaddrinfo(to.host, to.port, &hints, &list);
	if (rc) {
		snprintf(got, size, "%s", gai_strerror(rc));
		return -1;
	}
	rc = -1;
	for (a = list; rc < 0 && a; a = a->ai_next)
		rc = connect_to(a);
	snprintf(got, size, "%s", rc < 0 ? strerror(errno) : "connected");
	freeaddrinfo(list);
	return rc;
}

int
reach(const void *arg)
{
	const char *check = arg;
	char got[512] = "";
	int rc;

	if (health_kind(check) == HEALTH_HTTP)
		rc = http_check(check, got, sizeof(got));
	else
		rc = tcp_check(check, got, sizeof(got));
	dprintf(STDOUT_FILENO, "%s: %s\n", check, got);
	return rc < 0;
}
