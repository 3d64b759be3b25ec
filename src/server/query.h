/*
 * The verbs besides push.  query.c has their table and those that read,
 * query_switch.c rollback and activate; others have a file each, query_VERB.c.
 */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include "base/strv.h"
#include "server/activation.h"
#include "server/session.h"

/* One question, authorised, with the app's store open (but for env). */
struct query {
	struct session *s;
	struct msg_ask ask;
	struct msg_result *result;
	struct error *err;
};

/* Handles an ask frame and fills the result, as push_serve(). */
void query_serve(struct session *s, const struct frame *f,
	struct msg_result *result);

/* The words frame that follows `ask` of some verbs. */
int query_words(struct query *q, struct strv *words);
/* All of the client's input frames, up to input-end. */
int query_input(struct query *q, size_t most, struct buf *out);
/* Sends it in frames of that type, as fast as the client takes them. */
int query_output(struct query *q, const char *type, const char *data,
	size_t len);

/* A release frame, of a damaged one as well. */
int query_send_release(struct query *q, const char *id, const char *live);

/* What is live; nothing, or not what --expect says, is an error. */
int query_live(struct query *q, char id[static RELEASE_ID_LEN + 1]);
/* -1 where nothing of the app's may run, or not for this key. */
int query_hooks_run(struct query *q);
/* A release with its settings and environment, for subject_release(). */
int query_load(struct query *q, const char *id, struct subject *x);
/* --expect: an ID, "" for nothing, NULL: not given. */
const char *query_expected(const struct query *q);
/* Seconds to wait for a switch that is under way. */
uint64_t query_patience(const struct query *q);
/* Its output goes to that release's log too, if there is room for one. */
void query_open_log(struct query *q, const char *id);

/* The verbs with a file of their own. */
int query_rollback(struct query *q);
int query_activate(struct query *q);
int query_restart(struct query *q);
int query_logs(struct query *q);
int query_run(struct query *q);
int query_prune(struct query *q);
int query_pin(struct query *q); /* and unpin */
int query_remove(struct query *q);
int query_fetch(struct query *q);
int query_env(struct query *q);
int query_doctor(struct query *q);
int query_verify(struct query *q);
int query_fsck(struct query *q);

/*
 * What `status` answers; also deployd(8)'s own.  amiss has a text where what is
 * live is not as it should be: listing_live().
 */
int query_status(const struct store *s, struct msg_status *out,
	struct error *amiss, struct error *err);

#endif
