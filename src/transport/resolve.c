#include "resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "internal.h"

/*
 * A name server that is silent makes getaddrinfo() take half a minute, and
 * nothing ends it: it runs in a thread of its own, which may be left behind.
 */
struct lookup {
	atomic_int owners; /* the thread and whoever waits; the last frees */
	char *host, *port;
	struct addrinfo hints, *list;
	int rc, error; /* error: errno, for EAI_SYSTEM */
	int done;      /* an eventfd */
};

static void
lookup_unref(struct lookup *l)
{
	if (atomic_fetch_sub(&l->owners, 1) > 1)
		return;
	if (l->rc == 0 && l->list)
		freeaddrinfo(l->list);
	io_close(&l->done);
	free(l->host);
	free(l->port);
	free(l);
}

static void *
look_up(void *arg)
{
	struct lookup *l = arg;
	uint64_t one = 1;

	l->rc = getaddrinfo(l->host, l->port, &l->hints, &l->list);
	l->error = errno;
	(void)!write(l->done, &one, sizeof(one));
	lookup_unref(l);
	return NULL;
}

static int
start(struct lookup *l)
{
	pthread_t thread;
	int rc;

	l->done = eventfd(0, EFD_CLOEXEC);
	if (l->done < 0)
		return -1;
	atomic_store(&l->owners, 2);
	rc = pthread_create(&thread, NULL, look_up, l);
	if (rc == 0) {
		(void)pthread_detach(thread);
		return 0;
	}
	atomic_store(&l->owners, 1);
	errno = rc;
	return -1;
}

int
resolve(const struct transport *t, const char *host, const char *port,
	const struct addrinfo *hints, int64_t deadline, struct addrinfo **list)
{
	struct lookup *l = mem_zalloc(1, sizeof(*l));
	int rc = EAI_SYSTEM, saved;
	uint64_t one;

	l->host = mem_strdup(host);
	l->port = mem_strdup(port);
	l->hints = *hints;
	l->owners = 1;
	if (start(l) == 0 &&
		transport_wait(t, l->done, POLLIN,
			transport_until(t, deadline)) == 0 &&
		read(l->done, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
		rc = l->rc;
		errno = l->error;
		if (rc == 0)
			*list = l->list;
		l->list = NULL;
	}
	saved = errno;
	lookup_unref(l);
	errno = saved;
	return rc;
}
