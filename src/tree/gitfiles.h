/*
 * What git tracks, which is in a tree although an ignore file names it.  git
 * is asked beside the walk; the first question waits for its answer.  Without
 * git, or where it refuses, nothing is tracked: that is no error.  Several
 * threads may ask.
 */
#ifndef TREE_GITFILES_H
#define TREE_GITFILES_H

#include <stdbool.h>

struct gitfiles;

/* Asks about what lies below dirfd, a directory within a repository. */
struct gitfiles *gitfiles_start(int dirfd);
void gitfiles_free(struct gitfiles *g);

/* Whether path, relative to that directory, is tracked. */
bool gitfiles_has(struct gitfiles *g, const char *path);
/* Whether something below that directory is. */
bool gitfiles_below(struct gitfiles *g, const char *path);

#endif
