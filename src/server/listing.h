/*
 * Releases as `releases' and `status' tell of them: what is damaged is one of
 * them, in state "damaged", and hides nothing else.
 */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

#include "server/store.h"

typedef void listing_fn(void *arg, const struct msg_release *m);

/*
 * What `current' names, "" if nothing.  -1 with err, STATUS_REFUSED, where
 * that is not what was made live last; id is then what it names, or "".
 */
int listing_live(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err);
/*
 * Tells of one; live is what is, or NULL.  -1 with err, STATUS_REFUSED, if it
 * is damaged.
 */
int listing_one(const struct store *s, const char *id, const char *live,
	listing_fn *fn, void *arg, struct error *err);
/*
 * Of all that belong in a list, newest first.  -1 with err, STATUS_REFUSED, if
 * one is damaged or listing_live() is -1, which is told of first.
 */
int listing_each(const struct store *s, listing_fn *fn, void *arg,
	struct error *err);

#endif
