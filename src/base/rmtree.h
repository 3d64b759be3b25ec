/* Removal of a tree through directory handles; links are never followed. */
#ifndef BASE_RMTREE_H
#define BASE_RMTREE_H

#include <stdbool.h>

/*
 * Removes dirfd/name whatever it is; a missing one is no error.  A directory
 * that its owner made unwritable is opened up first.  0, or -1 with errno of
 * the first failure after removing what could be removed.
 */
int rmtree_at(int dirfd, const char *name);
/* The same with all that is in a directory, which stays. */
int rmtree_contents(int dirfd);
/* The same, until stop() says so; it is asked before each entry. */
int rmtree_contents_until(int dirfd, bool (*stop)(void *arg), void *arg);

#endif
