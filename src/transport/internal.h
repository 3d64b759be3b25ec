/*
 * What the kinds of transport share: the thread's side of a connection.
 * Only transport.c creates a struct transport; each kind's run function
 * works in the thread until the connection is over:
 *
 *	int local_run(struct transport *t, struct error *err);
 *
 * It relays between t->inner and the peer, notes times and counts, and ends
 * with transport_judge() when the remote program has ended, or -1.
 */
#ifndef TRANSPORT_INTERNAL_H
#define TRANSPORT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "transport.h"

#define QUEUE_MOST (256 * 1024) /* bytes that wait in either direction */
#define CHUNK 32768             /* bytes of one read */
#define LINGER_MS 2000          /* for the remote's end, when all was said */

struct transport {
	const struct transport_options *o;
	int caller, inner; /* the two ends of the socketpair */
	int wake;          /* an eventfd: readable when to stop */
	pthread_t thread;
	bool threaded;
	int64_t started;
	int64_t deadline; /* of the whole, by io_now_ms(); 0: none */
	atomic_uint_fast64_t sent, received;
	atomic_int_fast64_t heard; /* io_now_ms() of the peer's last bytes */
	/* How long bytes have waited for the network. */
	atomic_int_fast64_t link_us;
	atomic_bool aborted;            /* transport_abort() */
	atomic_bool closing;            /* the caller has closed its end */
	atomic_int rtt;                 /* milliseconds; 0: unknown */
	atomic_bool can_branch;         /* further channels can be opened */
	atomic_uint branches;           /* how many of branch[] are there */
	int branch[TRANSPORT_BRANCHES]; /* the thread's ends */

	/* The thread's, and the caller's after it has been joined. */
	bool talked;       /* deployd's first byte came */
	struct buf errors; /* the last of its standard error */
	struct transport_report report;
	struct error err;
	int rc;
};

/* Milliseconds since transport_open(), at least 1: a time of the report. */
int transport_elapsed(const struct transport *t);
void transport_heard(struct transport *t, size_t bytes);
/* Whether the caller wants an end: aborted, or closed before it stood. */
bool transport_stopped(const struct transport *t);
/* From here on transport_branch() works. */
void transport_can_branch(struct transport *t);
/* What woke us was seen to. */
void transport_awake(struct transport *t);
/* Adds standard error's bytes, of which the last 2 KiB are kept. */
void transport_errors(struct transport *t, const char *data, size_t len);
/* The last line of that, or "". */
const char *transport_last_error(const struct transport *t, char *line,
	size_t size);
/*
 * The remote program has ended with status (-1: unknown): 0, or -1 with err
 * if it never said a word or was not there.
 */
int transport_judge(struct transport *t, int status, struct error *err);
/* Where a deployd for this machine comes from: always -1. */
int transport_local_hint(struct error *err);
/* STATUS_CONNECT or, once deployd has talked, STATUS_TRANSFER. */
enum status transport_failure(const struct transport *t);
/* The earlier of this time (0: none) and the end of all; 0: none. */
int64_t transport_until(const struct transport *t, int64_t time);
/*
 * Waits until a descriptor is ready for poll's events: 0, or -1 with errno,
 * ETIMEDOUT at the deadline, ECANCELED when stopped.
 */
int transport_wait(const struct transport *t, int fd, short events,
	int64_t deadline);
/* That time has passed: -1 with what it was. */
int transport_late(const struct transport *t, struct error *err);
int transport_interrupted(const struct transport *t, struct error *err);
/* The command that runs deployd there, to free; NULL with err. */
char *transport_command(const struct transport_options *o, struct error *err);
/* Our environment less what is for us alone; a NULL-terminated list. */
void transport_environment(struct strv *envp);

int local_run(struct transport *t, struct error *err);
int ssh_run(struct transport *t, struct error *err); /* libssh2 or ssh */

#endif
