/*
 * The other apps of the server, as far as this key may know of them: those
 * that --app and --allow let it read.
 */
#ifndef SERVER_APPS_H
#define SERVER_APPS_H

#include "server/config.h"

/* Their names, sorted; a root that cannot be read has none. */
void apps_visible(const struct config *c, struct strv *out);
/*
 * Names so like `app` that it may be one of them mistyped, three at most:
 * "this server has 'blog'"; NULL if there are none.  The caller frees it.
 */
char *apps_near_miss(const struct config *c, const char *app);

#endif
