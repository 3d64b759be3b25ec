/* The verbs rollback and activate: another release is made live. */
#include "server/query.h"

#include <string.h>

#include "server/undo.h"

/* An activation that failed: what the result tells besides the error. */
static int
explain(struct query *q, const char *failed)
{
	if (failed)
		q->result->stage = mem_strdup(failed);
	if (q->err->status == STATUS_BUSY)
		error_hint(q->err, "wait for it with --wait, or try again");
	q->result->held = q->err->status == STATUS_REVERTED ||
		q->err->status == STATUS_BROKEN;
	return -1;
}

/* `same`: it was live already, and nothing was done. */
static int
succeed(struct query *q, const char *outcome, const char *id, const char *was)
{
	q->result->outcome = mem_strdup(outcome);
	q->result->release = mem_strdup(id);
	if (*was && strcmp(id, was))
		q->result->previous = mem_strdup(was);
	return 0;
}

int
query_rollback(struct query *q)
{
	struct session *s = q->s;
	struct activate_host host = session_host(s);
	char to[RELEASE_ID_LEN + 1] = "", was[RELEASE_ID_LEN + 1];
	char went[RELEASE_ID_LEN + 1];
	const char *failed;
	int rc;

	if (store_current(&s->store, was, q->err) < 0 ||
		(q->ask.release &&
			store_find(&s->store, q->ask.release, to, q->err) < 0))
		return -1;
	if (*was)
		query_open_log(q, was);
	rc = activate_rollback(&s->store, s->config, *to ? to : NULL,
		query_expected(q), session_who(s, q->ask.user),
		query_patience(q), q->ask.force, &host, went, &failed, q->err);
	return rc < 0 ? explain(q, failed) :
			succeed(q, rc ? "same" : "rolled-back", went, was);
}

/* Some of what its migrate wrote is lost: nobody is to try it once more. */
static void
give_up(struct query *q, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };

	if (q->s->store.unwritten &&
		record_load(&q->s->store, id, &r, &ignored) == 0)
		undo_release(&q->s->store, &r, q->err);
	record_release(&r);
}

/* One that never went live still has its migrate before it. */
static int
choose_activation(struct query *q, const char *id, struct activate_options *o)
{
	struct record r = { 0 };
	int rc = record_load(&q->s->store, id, &r, q->err);

	if (rc == 0 &&
		(!strcmp(r.state, "staged") || !strcmp(r.state, "failed")))
		rc = error_status(q->err, STATUS_REFUSED,
			"%s was not built to its end", id);
	if (rc == 0 && !r.went_live) {
		o->kind = ACTIVATE_DEPLOY;
		o->migrate = true;
	}
	record_release(&r);
	return rc;
}

int
query_activate(struct query *q)
{
	struct session *s = q->s;
	struct activate_host host = session_host(s);
	char id[RELEASE_ID_LEN + 1], was[RELEASE_ID_LEN + 1];
	const char *failed = NULL;
	struct activate_options o = { .kind = ACTIVATE_AGAIN,
		.release = id,
		.who = session_who(s, q->ask.user),
		.wait = query_patience(q),
		.old = true,
		.force = q->ask.force };
	int rc;

	if (!q->ask.release)
		return error_status(q->err, STATUS_USAGE,
			"activate needs a release");
	if (store_find(&s->store, q->ask.release, id, q->err) < 0 ||
		store_current(&s->store, was, q->err) < 0 ||
		choose_activation(q, id, &o) < 0)
		return -1;
	query_open_log(q, id);
	o.expected = q->ask.force ? NULL :
		q->ask.expect     ? query_expected(q) :
				    was;
	rc = activate_release(&s->store, s->config, &o, &host, &failed, q->err);
	if (rc >= 0)
		return succeed(q, rc ? "same" : "activated", id, was);
	give_up(q, id);
	return explain(q, failed);
}
