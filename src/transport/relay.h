/*
 * The thread's end of a socketpair of the caller's, with a bounded queue in each
 * direction:
 *
 *	relay_pull(&r)   caller to r.up, while it has room
 *	relay_push(&r)   r.down to the caller
 *
 * Whoever talks to the peer consumes r.up and adds at most relay_room()
 * bytes to r.down.
 */
#ifndef TRANSPORT_RELAY_H
#define TRANSPORT_RELAY_H

#include <poll.h>
#include <stdbool.h>

#include "base/buf.h"

struct transport;

struct relay {
	struct transport *t;
	int fd;
	struct buf up, down;
	bool up_ended; /* the caller has no more to say */
	bool gone;     /* the caller does not listen any more */
};

/* fd is this end of the caller's pair. */
void relay_init(struct relay *r, struct transport *t, int fd);
void relay_release(struct relay *r);
/* What to poll for; revents are taken by relay_turn(). */
struct pollfd relay_pollfd(const struct relay *r);
void relay_turn(struct relay *r, short revents);
size_t relay_room(const struct relay *r);
/* Adds the peer's bytes to down. */
void relay_add(struct relay *r, const char *data, size_t len);
/*
 * Gives the caller the rest and the end, as long as it listens and the
 * connection is not aborted.
 */
void relay_finish(struct relay *r);

#endif
