/* The verb push: from the client's first request to the result. */
#ifndef SERVER_PUSH_H
#define SERVER_PUSH_H

#include "server/session.h"

/*
 * Handles a push frame and fills the result, which the caller sends and
 * releases.  Whatever fails is in it; the store is left clean.
 */
void push_serve(struct session *s, const struct frame *f,
	struct msg_result *result);

/* After the result was delivered: retention and removal. */
void push_tidy(struct session *s);

#endif
