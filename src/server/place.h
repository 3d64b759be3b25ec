/*
 * Places: max_sessions sessions are served at a time.  A place is a lock
 * below ROOT/.deployd, so that one whose session died is free again.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "server/config.h"

/*
 * Takes a place; *fd becomes its descriptor, whose closing gives it up.
 * STATUS_BUSY when all are taken.  Without `create` nothing is made on disk:
 * where deployd keeps nothing yet *fd becomes -1, as without a limit.
 */
int place_take(const struct config *c, bool create, int *fd, struct error *err);

#endif
