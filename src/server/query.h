/* The verbs besides push: releases, status, log, rollback, activate. */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include "server/session.h"

/* Handles an ask frame and fills the result, as push_serve(). */
void query_serve(struct session *s, const struct frame *f,
	struct msg_result *result);

/* What `status` answers; also deployd(8)'s own. */
int query_status(const struct config *c, const char *app,
	struct msg_status *out, struct error *err);

#endif
