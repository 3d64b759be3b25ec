/*
 * How long a client may take: until its request has come, and over what it
 * owes from then on, be it a frame that has to follow, or files.
 *
 * A client that owes wears the patience away, second by second, and what it
 * sends restores it at min_rate bytes a second; never above stall_timeout.  So
 * one that stalls is given up after that time, one that sends a byte a second
 * a little later, and one whose link fails for a minute is not.
 */
#ifndef SERVER_PATIENCE_H
#define SERVER_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/config.h"

struct patience {
	int64_t began; /* io_now_ms() */
	int64_t looked;
	int64_t left;     /* ms */
	uint64_t counted; /* bytes that had come then */
	bool asked;       /* its request has come */
	bool owes;
};

void patience_init(struct patience *p, const struct config *c, int64_t now);
/*
 * To be called at least once a second.  received: bytes so far.  -1 with
 * STATUS_REFUSED, which says how to allow more, when it is at an end; `busy':
 * what came is still worked on, so it is not.
 */
int patience_check(struct patience *p, const struct config *c, int64_t now,
	uint64_t received, bool busy, struct error *err);

#endif
