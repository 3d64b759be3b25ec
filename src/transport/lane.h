/*
 * A channel of a link and the caller's end that belongs to it: one deployd
 * and the conversation with it.
 */
#ifndef TRANSPORT_LANE_H
#define TRANSPORT_LANE_H

#include <libssh2.h>
#include <stdbool.h>

#include "relay.h"

struct link;

struct lane {
	LIBSSH2_CHANNEL *channel; /* NULL: still to be opened */
	struct relay relay;
	bool started; /* the remote program runs */
	bool eof_sent;
	bool eof_seen; /* the remote's output has ended */
	bool finished; /* the caller was given the end */
	bool held;     /* libssh2 may have more than there was room for */
};

/*
 * Opens the channel, where there is none, and starts the program there: false
 * while that lasts, which no other lane's opening may overlap.  One that is
 * refused has ended.
 */
bool lane_start(struct link *link, struct lane *l, const char *command);
/* Writes a packet: false if there is none, or no window for it. */
bool lane_write(struct link *link, struct lane *l);
/* Passes the caller's end on. */
void lane_end_writing(struct lane *l);
/* Reads as much as there is room for. */
void lane_read(struct link *link, struct lane *l);
/* Its caller reads the end, and what it says is dropped. */
void lane_close(struct lane *l);

#endif
