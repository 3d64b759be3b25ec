/* The verbs prune, pin and unpin: what retention drops, and what it spares. */
#include <string.h>

#include "server/query.h"
#include "server/room.h"

/* Waited for without --wait: the tail of a deploy. */
#define LOCK_SECONDS 2

static void
send_dropped(void *arg, const struct msg_dropped *m)
{
	struct query *q = arg;

	MESSAGE_SEND(&q->s->client, "dropped", dropped, m);
	q->result->files += m->release != NULL;
	q->result->bytes += m->bytes;
}

int
query_prune(struct query *q)
{
	struct session *s = q->s;
	uint64_t wait = q->ask.wait > LOCK_SECONDS ? q->ask.wait : LOCK_SECONDS;
	char holder[STORE_HOLDER];
	int rc;

	store_holder(session_who(s, q->ask.user), holder);
	if (!q->ask.dry_run &&
		store_lock(&s->store, holder, wait, session_wait, s, q->err) <
			0)
		return -1;
	rc = room_make(&s->store, s->config, q->ask.dry_run, send_dropped, q,
		q->err);
	store_unlock(&s->store);
	if (rc == 0)
		q->result->outcome = mem_strdup(q->ask.dry_run ? "compared" :
								 "pruned");
	return rc;
}

static int
check_pinnable(const struct record *r, struct error *err)
{
	/* Its deploy writes the record once more, without the pin. */
	if (!strcmp(r->state, "staged"))
		return error_status(err, STATUS_REFUSED,
			"%s is not built to its end", r->id);
	return 0;
}

static int
set_pinned(struct query *q, const char *id, bool pinned)
{
	const struct store *s = &q->s->store;
	const char *what = pinned ? "pinned" : "unpinned";
	struct record r = { 0 };
	int rc = record_load(s, id, &r, q->err);

	if (rc == 0)
		rc = check_pinnable(&r, q->err);
	if (rc == 0 && r.pinned == pinned) {
		what = "same";
	} else if (rc == 0) {
		r.pinned = pinned;
		rc = record_save(s, &r, q->err);
		if (rc == 0)
			rc = history_append(s, what, id, "",
				session_who(q->s, q->ask.user), "", q->err);
	}
	record_release(&r);
	if (rc == 0)
		q->result->outcome = mem_strdup(what);
	return rc;
}

/* Records of what is built are written under switch.lock. */
int
query_pin(struct query *q)
{
	struct session *s = q->s;
	char id[RELEASE_ID_LEN + 1], holder[STORE_HOLDER];
	int rc;

	if (!q->ask.release)
		return error_status(q->err, STATUS_USAGE, "%s needs a release",
			q->ask.verb);
	store_holder(session_who(s, q->ask.user), holder);
	if (store_lock_switch(&s->store, holder, query_patience(q),
		    session_wait, s, q->err) < 0)
		return -1;
	rc = store_find(&s->store, q->ask.release, id, q->err);
	if (rc == 0)
		rc = set_pinned(q, id, !strcmp(q->ask.verb, "pin"));
	store_unlock_switch(&s->store);
	if (rc == 0)
		q->result->release = mem_strdup(id);
	return rc;
}
