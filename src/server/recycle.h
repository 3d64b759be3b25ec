/*
 * A new next/ out of what retention dropped: its files and links, as far as
 * its index vouches for them, in directories that are new.  So nobody who
 * still has one of the old directories as its own, or a file open, reaches
 * what will be released: an old directory never is part of that, nor is a file
 * that somebody has open for writing.
 */
#ifndef SERVER_RECYCLE_H
#define SERVER_RECYCLE_H

#include "server/busy.h"
#include "server/store.h"

/*
 * Takes the newest release that lies in trash/, if one does; there is no next/
 * yet, and the caller has next.lock.  Stopped by `busy' it leaves what was
 * moved so far, and next.index vouches for that.  The rest stays in trash/.
 */
void recycle_dropped(const struct store *s, const struct busy *busy);

#endif
