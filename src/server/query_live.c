/* What verbs about the live release share. */
#include "server/query.h"

#include <string.h>

const char *
query_expected(const struct query *q)
{
	const char *e = q->ask.expect;

	return e && !strcmp(e, "nothing") ? "" : e;
}

uint64_t
query_patience(const struct query *q)
{
	return q->ask.wait > ACTIVATE_WAIT ? q->ask.wait : ACTIVATE_WAIT;
}

/* Without room for a log a rollback is still a rollback. */
void
query_open_log(struct query *q, const char *id)
{
	struct error err = ERROR_INIT;

	if (session_open_log(q->s, id, &err) < 0)
		session_note(q->s, "%s", err.text);
}

int
query_live(struct query *q, char id[static RELEASE_ID_LEN + 1])
{
	const char *e = query_expected(q);

	if (store_current(&q->s->store, id, q->err) < 0)
		return -1;
	if (e && strcmp(e, id))
		return error_status(q->err, STATUS_REFUSED,
			"what is live is not that, but %s",
			*id ? id : "nothing");
	if (*id)
		return 0;
	error_status(q->err, STATUS_REFUSED, "nothing of %s is live",
		q->ask.app);
	return error_hint(q->err, "see what there is: deploy releases");
}

int
query_hooks_run(struct query *q)
{
	const struct config *c = q->s->config;

	if (c->no_hooks)
		return error_status(q->err, STATUS_REFUSED,
			"this key has --hooks none, which leaves out `%s' for "
			"%s",
			q->ask.verb, q->ask.app);
	if (config_hooks(c, q->ask.app) != HOOKS_NONE)
		return 0;
	return error_status(q->err, STATUS_REFUSED,
		"the server's admin has set hooks = none for %s: nothing "
		"runs there",
		q->ask.app);
}

int
query_load(struct query *q, const char *id, struct subject *x)
{
	char previous[RELEASE_ID_LEN + 1];

	if (history_previous(&q->s->store, previous, NULL, q->err) < 0)
		return -1;
	return subject_load(x, &q->s->store, q->s->config, id, previous,
		q->err);
}
