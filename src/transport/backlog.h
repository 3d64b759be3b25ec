/*
 * Whether a link is what bytes wait for, and for how long.  When the program
 * at its other end is slow, the channel's window is used up while nothing
 * waits here; when the link is, the socket's queue stays full.
 */
#ifndef TRANSPORT_BACKLOG_H
#define TRANSPORT_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport;

struct backlog {
	bool full; /* when last looked at */
	int64_t looked;
};

/*
 * Adds the time since the last call to transport_link_us() if bytes waited for
 * the link then, and do now: to be called before and after each poll.
 */
void backlog_note(struct backlog *b, struct transport *t, bool full);

/* What the kernel tells of a TCP connection. */
struct backlog_tcp {
	size_t unsent;           /* bytes, those it has not taken included */
	uint32_t unacked;        /* packets on their way */
	uint32_t window, slow;   /* packets: congestion window, and the size
	                            up to which it grows fast */
	uint32_t rtt, rtt_least; /* microseconds */
};

/* Whether that is a full link: not so while TCP only begins to send. */
bool backlog_is_full(const struct backlog_tcp *n);
/* The same of a socket, behind which so many bytes are queued. */
bool backlog_of_socket(int fd, size_t queued);

#endif
