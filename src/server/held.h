/* Files that somebody has open for writing, whoever that is. */
#ifndef SERVER_HELD_H
#define SERVER_HELD_H

#include "server/busy.h"

/*
 * Removes them from the tree below fd, which is taken; what its names lead to
 * is nobody's then.  A file that cannot be told from one of them goes, too.
 * -1 if not all was looked at.
 */
int held_drop(int fd, const struct busy *busy);

#endif
