/*
 * The grammar of names: paths of a tree, apps, releases.  Nothing that comes
 * from a peer is used as a name before it has passed one of these.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_MOST 4096     /* bytes of a path in a tree */
#define COMPONENT_MOST 255 /* bytes between slashes: ext4, XFS, APFS */
#define TARGET_MOST 4095   /* bytes of a link's target: PATH_MAX less NUL */
#define APP_MOST 63        /* [a-z0-9][a-z0-9._-]{0,62} */
#define RELEASE_ID_LEN 25  /* 20261123T061530Z-1a2b3c4d */
#define RELEASE_TREE_LEN 8 /* of which the last are the tree id's first */

/*
 * Why a path cannot be in a tree, or NULL if it can: relative, components of
 * 1 to COMPONENT_MOST bytes, none `.` or `..`, no control characters.
 */
const char *path_refuse(const char *path, size_t len);

/* Byte order in which '/' comes before every other byte. */
int path_compare(const char *a, const char *b);

/* Whether path is dir or lies below it. */
bool path_below(const char *path, const char *dir);

/* The part behind the last slash. */
const char *path_leaf(const char *path);

bool path_is_app(const char *name);
bool path_is_release(const char *id);
/* Whether that is one, and of the tree of this id, in hex. */
bool path_is_release_of(const char *id, const char *tree);

#endif
