/*
 * Further channels of a client whose push this process serves: one SSH
 * channel carries no more than its window in a round trip.
 *
 *	client               deployd (push)          deployd (put)
 *	                ◄──  need-end with a token
 *	further channels  ─────────────────────────► put with the token
 *	                     takes both descriptors ◄── passed on a socket
 *	part, files     ───────────────────────────────────────────►
 *
 * The socket is .deployd/put, which only the account can reach; the token
 * tells one push from another.  Each lane has an intake of its own.  A lane
 * that breaks takes nothing with it: the client sends its files again on the
 * main channel.
 */
#ifndef SERVER_LANES_H
#define SERVER_LANES_H

#include <poll.h>
#include <stdbool.h>

#include "server/config.h"
#include "server/intake.h"
#include "wire/frame.h"

#define LANES_MOST 7
#define LANE_TOKEN 32 /* hex digits */
/* What lanes_poll() fills at most. */
#define LANES_FDS (1 + 4 * LANES_MOST)

struct lane {
	int joined; /* the other deployd's socket, or -1 */
	int in, out;
	bool waits; /* its first bytes come by the socket */
	bool ended; /* the client says no more, which the intake knows */
	bool broken;
	int64_t pinged; /* io_now_ms() */
	struct channel client;
	struct intake intake;
};

struct lanes {
	bool open;
	bool resting;
	int dir;                      /* .deployd, borrowed */
	struct intake_options intake; /* of each lane; its tmp is ours */
	int listener;
	char token[LANE_TOKEN + 1];
	struct lane v[LANES_MOST];
	size_t n;
};

/* Gives a lane up; its client reads the end. */
void lane_break(struct lane *l);
/* The client has closed its end and all that it said was passed on. */
void lane_end(struct lane *l);

/*
 * Begins to listen, for files of m.  -1: that cannot be, or l has done so
 * before; then it is to be closed only if l->open.
 */
int lanes_open(struct lanes *l, int dir, const struct manifest *m,
	const struct config *c);
void lanes_close(struct lanes *l);
/*
 * All has come: nobody joins any more and nothing is written, but the channels
 * stay, for their ends would tell the client that something went wrong.
 */
void lanes_rest(struct lanes *l);

/* What to poll for, and how many that are; lanes_turn() takes the answers. */
int lanes_poll(const struct lanes *l, struct pollfd fds[static LANES_FDS]);
/* Moves bytes; those who have come get an intake. */
void lanes_turn(struct lanes *l, const struct pollfd fds[static LANES_FDS]);
/* Bytes that have come on all of them so far. */
uint64_t lanes_received(const struct lanes *l);

/*
 * The other side: gives in and out to whose token it is.  A socket on which
 * what was read already is to follow, and which reads the end when all is
 * over; -1 with err.
 */
int lanes_join(int dir, const char *token, int in, int out, struct error *err);

#endif
