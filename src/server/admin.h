/* deployd status|releases|rollback|prune APP: an admin on the server. */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/config.h"

/* words: the verb, the app, and for rollback maybe a release. */
int admin_run(const struct config *c, const char *const *words, int n);

#endif
