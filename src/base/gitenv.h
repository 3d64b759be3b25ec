/*
 * The environment to run git in, for facts about a directory.  A hook of
 * git's sets GIT_DIR and more of the kind for its own repository, which is
 * not the one asked about; and the repository may be another user's, so
 * nothing is fetched or locked on its behalf.
 */
#ifndef BASE_GITENV_H
#define BASE_GITENV_H

/* A vector that ends with NULL; it, not its strings, is the caller's to free. */
char **gitenv_make(void);

#endif
