/*
 * The spare: next/ while it is prepared to be the next release.  The file
 * next.spare says so, with the ID of the release that it equals once it does.
 * All of this under next.lock, which making it lets go at its end.
 */
#ifndef SERVER_SPARE_H
#define SERVER_SPARE_H

#include "server/busy.h"
#include "server/config.h"
#include "server/store.h"

bool spare_is_there(const struct store *s);
/* There is none, or it is not that of what is live. */
bool spare_is_needed(const struct store *s);
/*
 * Makes it; `busy' may stop that.  Where there is no room for it, nothing is
 * left of it.  s->next_lock may be another afterwards, or none.
 */
void spare_make(struct store *s, const struct config *c,
	const struct busy *busy);

#endif
