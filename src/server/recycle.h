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
/*
 * The same of this one, of which something may have been uploaded just now: a
 * file of its tree that is not vouched for is there as well, to be read again.
 * What its hooks made is not.
 */
void recycle_failed(const struct store *s, const char *id);

#endif
