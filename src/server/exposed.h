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
 * Of path, wherever links lead, and of all directories above it; of what is
 * not there, who could make it.
 */
bool exposed_path(const char *path, struct buf *how);

#endif
