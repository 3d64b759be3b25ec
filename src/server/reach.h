/*
 * Checks that deployd makes itself: whether something answers at a URL or
 * accepts at a port.  For a process of its own (run_options.body): it blocks.
 */
#ifndef SERVER_REACH_H
#define SERVER_REACH_H

#include <stddef.h>

/*
 * Makes the check, the text of a health.h line.  Prints what was got, one
 * line, and returns 0 or 1.
 */
int reach(const void *check);

/* "libcurl 7.88.1", or NULL: no http checks here. */
const char *http_library(void);
/* A request; 0 for 2xx and 3xx, with what was got in `got' either way. */
int http_check(const char *url, char *got, size_t size);

#define HTTP_MISSING "this deployd is without libcurl and makes no http checks"
#define HTTP_INSTEAD "use tcp:PORT, or a command such as: curl -fsS URL"

#endif
