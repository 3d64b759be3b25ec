/*
 * The request `put`: a further channel of a client whose push another
 * deployd serves.  That one takes over both its descriptors (lanes.h); this
 * process only keeps the channel open until it is done.
 */
#ifndef SERVER_PUT_H
#define SERVER_PUT_H

#include "server/session.h"

/* True: another process speaks from here on.  False: result says why not. */
bool put_serve(struct session *s, const struct frame *f,
	struct msg_result *result);

#endif
