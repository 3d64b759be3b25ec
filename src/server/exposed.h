/*
 * Who besides the account and root could change what is somewhere, or put
 * something else there: for doctor.
 */
#ifndef SERVER_EXPOSED_H
#define SERVER_EXPOSED_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"

/*
 * Each adds to `how' what is amiss, with the command that mends it, and is true
 * if anything is.
 */

/* Of path alone, whose stat that is; to be our own, or root's will do. */
bool exposed_stat(const char *path, const struct stat *st, bool own,
	struct buf *how);
/*
 * Of an absolute path, and of all directories that it and the links in it go
 * through; of what is not there, who could make it.  What cannot be looked at
 * is said to be so.
 */
bool exposed_path(const char *path, struct buf *how);

#endif
