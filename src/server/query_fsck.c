/* The verb fsck, of one app. */
#include <string.h>

#include "server/fsck.h"
#include "server/query.h"

/* Waited for without --wait: the tail of a deploy. */
#define LOCK_SECONDS 2

static void
send_fault(void *arg, const struct msg_fault *m)
{
	struct session *s = arg;
	struct error ignored = ERROR_INIT;

	MESSAGE_SEND(&s->client, "fault", fault, m);
	/* Cancelled, it says so to all that waits later. */
	(void)session_room(s, &ignored);
}

/* Whoever asked cannot stop what another has begun. */
static int
recover(void *arg, struct error *err)
{
	struct session *s = arg;
	struct activate_host host = session_host(s);
	int rc;

	session_recover(s, true);
	rc = activate_recover(&s->store, s->config, &host, err);
	session_recover(s, false);
	return rc;
}

int
query_fsck(struct query *q)
{
	struct session *s = q->s;
	const struct busy busy = { session_busy, s };
	const struct fsck_options o = { .dry_run = q->ask.dry_run,
		.who = session_who(s, q->ask.user),
		.wait = q->ask.wait > LOCK_SECONDS ? q->ask.wait : LOCK_SECONDS,
		.wait_fn = session_wait,
		.recover = recover,
		.busy = &busy,
		.fn = send_fault,
		.arg = s };
	struct fsck_sum sum;

	if (fsck_app(&s->store, &o, &sum, q->err) < 0)
		return -1;
	q->result->files = sum.files;
	q->result->outcome = mem_strdup("checked");
	return 0;
}
