/*
 * An offer: lines of the new manifest whose files the client sends unasked,
 * right behind its difference.  The intake expects them before those of the
 * need list, which leaves them out; what is held already is simply taken.
 */
#ifndef SERVER_OFFER_H
#define SERVER_OFFER_H

#include "server/push_state.h"

/* The frame, which comes once, if push has announced it. */
int offer_take(struct push *p, const struct frame *f);
/*
 * Whether it has come before the manifest was read: what follows it has to
 * wait, for an amend needs the manifest.
 */
bool offer_waits(const struct push *p);
/* Once the manifest is known: files only, and not too many bytes. */
int offer_check(struct push *p);
/* Adds what was offered. */
void offer_count(const struct push *p, uint64_t *files, uint64_t *bytes);

#endif
