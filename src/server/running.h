/*
 * Processes that have their program, working or root directory below an
 * app's: as many of them as this account may see.
 */
#ifndef SERVER_RUNNING_H
#define SERVER_RUNNING_H

#include "base/buf.h"
#include "server/store.h"

/* path is below the app's directory: "releases/ID/x"; "" is itself. */
typedef void running_fn(void *arg, const char *pid, const char *path);

/*
 * Calls fn for each; more than once for a process with several paths.  -1:
 * there may be more.
 */
int running_each(const struct store *s, running_fn *fn, void *arg);
/* "1234 (node) in releases/ID, ...", a few of them; the count of all. */
size_t running_name(const struct store *s, struct buf *out);

#endif
