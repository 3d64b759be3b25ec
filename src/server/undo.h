/* A release that did not make it. */
#ifndef SERVER_UNDO_H
#define SERVER_UNDO_H

#include "server/store.h"

/*
 * Its record says why, unless it was reverted, which is said already, and its
 * files stay for the next one (stage_take_back()).  One that has gone live
 * meanwhile is left alone.
 */
void undo_release(struct store *s, struct record *r, const struct error *why);

#endif
