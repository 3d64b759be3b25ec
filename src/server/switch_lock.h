/* Taking switch.lock for whoever watches an activation. */
#ifndef SERVER_SWITCH_LOCK_H
#define SERVER_SWITCH_LOCK_H

#include "server/activate.h"

/*
 * Takes it for `who`, waiting up to so many seconds; the host is told, once,
 * whom it waits for, and can stop the waiting.  Errors as store_lock().
 */
int switch_lock_take(struct store *s, const char *who, uint64_t seconds,
	const struct activate_host *host, struct error *err);

#endif
