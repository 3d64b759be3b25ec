/*
 * What is done behind an answer, in a process of its own at the lowest
 * priority: next/ is made equal to what is live, so that the next deploy
 * copies nothing, and then trash/ is emptied.
 *
 * It is made of the release that retention dropped last, whose files so stay
 * in use, and which differs little (recycle.h); until one is dropped, of a
 * copy.
 * The process holds next.lock, and looks between files whether it is wanted.
 * Whatever it leaves, finished or not, is only a hint to who stages next
 * (plan.h).
 */
#ifndef SERVER_PREPARE_H
#define SERVER_PREPARE_H

#include "server/config.h"
#include "server/store.h"

/* How long a deploy waits for next.lock. */
#define PREPARE_MS 100

/* Tells it to stop, without waiting. */
void prepare_ask(const struct store *s);
/*
 * Has it stopped and takes next.lock, or sets s->bypass when `ms` are over.
 * The caller holds the lock; who has next.lock already keeps it.
 */
void prepare_stop(struct store *s, int ms);
/*
 * Begins it, if there is anything to do; the caller holds the lock.  With
 * c->spare only, and room for it, next/ is prepared.
 */
void prepare_start(struct store *s, const struct config *c);

#endif
