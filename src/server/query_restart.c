/* The verb restart: restart and check of what is live, nothing switched. */
#include "server/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/restart.h"
#include "server/switch_lock.h"

static int
check_known(const struct query *q, const struct subject *x)
{
	if (restart_is_known(&x->hooks))
		return 0;
	error_status(q->err, STATUS_REFUSED,
		"nothing is known that restarts %s: its live release came "
		"without a restart hook and without [service]",
		q->ask.app);
	return error_hint(q->err,
		"add one to deploy.conf and deploy it, see deploy.conf(5)");
}

static void
replace_reason(struct record *r, const char *why)
{
	free(r->reason);
	r->reason = why ? mem_strdup(why) : NULL;
}

/* How it went; what cannot be noted is told. */
static void
note(struct query *q, struct record *r, const char *live, int rc)
{
	struct store *s = &q->s->store;
	const char *who = session_who(q->s, q->ask.user);
	struct error err = ERROR_INIT;

	if (r->checked != (rc == 0) || rc < 0) {
		r->checked = rc == 0;
		replace_reason(r, rc < 0 ? q->err->text : NULL);
		if (record_save(s, r, &err) < 0)
			session_note(q->s, "%s", err.text);
	}
	if (history_append(s, rc < 0 ? "unwell" : "restarted", live, "", who,
		    rc < 0 ? q->err->text : "", &err) < 0)
		session_note(q->s, "%s", err.text);
}

static int
explain(struct query *q, const struct subject *x, const char *failed,
	const char *live)
{
	char why[1024];

	snprintf(why, sizeof(why), "%.1000s", q->err->text);
	q->result->stage = mem_strdup(failed);
	error_status(q->err, STATUS_BROKEN,
		"%s; nothing was switched: %s is still live, and may not work",
		why, live);
	return error_hint(q->err, "%sgo back: deploy rollback",
		x->hooks.unit ? "see what it said: deploy logs; " : "");
}

static int
restart(struct query *q, struct subject *x, const char *live)
{
	struct activate_host host = session_host(q->s);
	const char *failed = NULL;
	int rc;

	query_open_log(q, live);
	/* Half a restart is worse than one that nobody watches. */
	session_detach(q->s);
	rc = restart_release(x, &host, &failed, q->err);
	note(q, &x->record, live, rc);
	return rc < 0 ? explain(q, x, failed, live) : 0;
}

static int
restart_live(struct query *q)
{
	char live[RELEASE_ID_LEN + 1];
	struct subject x;
	int rc;

	if (query_live(q, live) < 0 || query_load(q, live, &x) < 0)
		return -1;
	rc = check_known(q, &x);
	if (rc == 0)
		rc = restart(q, &x, live);
	subject_release(&x);
	return rc;
}

int
query_restart(struct query *q)
{
	struct activate_host host = session_host(q->s);
	int rc;

	if (query_hooks_run(q) < 0 ||
		switch_lock_take(&q->s->store, session_who(q->s, q->ask.user),
			query_patience(q), &host, q->err) < 0)
		return -1;
	rc = restart_live(q);
	store_unlock_switch(&q->s->store);
	if (rc == 0)
		q->result->outcome = mem_strdup("restarted");
	return rc;
}
