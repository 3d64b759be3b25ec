/* deployd status|releases|rollback|prune APP: an admin on the server. */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/activate.h"
#include "server/say.h"

/* words: the verb, the app, and for rollback maybe a release. */
int admin_run(const struct config *c, const char *const *words, int n);

/* fsck: app may be NULL, for all. */
int admin_fsck(const struct config *c, const char *app, bool dry_run);

/* For commands with a file of their own; command as of store_open(). */
int admin_open(struct store *s, const struct config *c, const char *app,
	const char *command, struct error *err);
/* Tells s what hooks print, and notes. */
struct activate_host admin_host(const struct config *c, struct say *s);

#endif
