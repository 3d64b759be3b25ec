/* The verb logs: the journal of the app's unit. */
#include "server/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/service.h"

#define LINES 100
#define LINES_MOST 1000000

static void
send_output(void *arg, const char *data, size_t len)
{
	struct session *s = arg;

	while (len) {
		size_t n = len > FRAME_MOST ? FRAME_MOST : len;

		channel_send(&s->client, "output", data, n);
		data += n;
		len -= n;
	}
}

/* What is live, else the newest: a first one that failed is of interest. */
static int
choose(struct query *q, char id[static RELEASE_ID_LEN + 1])
{
	struct strv ids = STRV_INIT;

	if (store_current(&q->s->store, id, q->err) < 0)
		return -1;
	if (*id)
		return 0;
	if (store_releases(&q->s->store, &ids, q->err) < 0)
		return -1;
	if (ids.n)
		snprintf(id, RELEASE_ID_LEN + 1, "%s", ids.v[ids.n - 1]);
	strv_release(&ids);
	if (*id)
		return 0;
	return error_status(q->err, STATUS_REFUSED, "%s has no releases yet",
		q->ask.app);
}

static int
check_unit(const struct query *q, const struct subject *x)
{
	if (x->hooks.unit)
		return 0;
	error_status(q->err, STATUS_REFUSED,
		"it is not known which unit %s runs as: its release came "
		"without [service] unit",
		q->ask.app);
	return error_hint(q->err,
		"add it to deploy.conf and deploy that; what the hooks said "
		"is in: deploy log");
}

static int
judge(struct query *q, const char *unit, enum hook_outcome how, int status,
	const struct buf *said)
{
	int number = errno;

	if (how == HOOK_CANCELLED)
		return error_status(q->err, STATUS_INT, "cancelled");
	if (how == HOOK_FAILED)
		q->err->status = STATUS_REFUSED;
	else if (status == 0)
		return 0;
	else
		error_status(q->err, STATUS_REFUSED,
			"journalctl exited with %d over %s", status, unit);
	service_explain("journalctl", how == HOOK_FAILED ? number : 0,
		buf_str(said), q->err);
	return -1;
}

static int
stream(struct query *q, const struct subject *x)
{
	struct hook_host host = session_host(q->s).hooks;
	struct run_place at = surroundings_place(&x->around, &host);
	struct run_options o = RUN_OPTIONS_INIT;
	struct buf said = BUF_INIT;
	enum hook_outcome how;
	char lines[24];
	const char *argv[] = { "journalctl", "--user", "-u", x->hooks.unit,
		"-n", lines, "-o", "short-iso", "--no-pager",
		q->ask.follow ? "-f" : NULL, NULL };
	uint64_t n = q->ask.lines ? q->ask.lines : LINES;
	int status = 0, rc;

	snprintf(lines, sizeof(lines), "%llu",
		(unsigned long long)(n < LINES_MOST ? n : LINES_MOST));
	host.output = send_output;
	o.argv = argv;
	o.said = &said;
	how = run_program(&o, &at, &status, q->err);
	rc = judge(q, x->hooks.unit, how, status, &said);
	buf_release(&said);
	return rc;
}

int
query_logs(struct query *q)
{
	char id[RELEASE_ID_LEN + 1];
	struct subject x;
	int rc;

	if (query_hooks_run(q) < 0 || choose(q, id) < 0 ||
		query_load(q, id, &x) < 0)
		return -1;
	rc = check_unit(q, &x);
	if (rc == 0)
		rc = stream(q, &x);
	subject_release(&x);
	return rc;
}
