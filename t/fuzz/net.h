/*
 * A connection for fuzzers of the client: its transport, in place of
 * transport/transport.c, is a socket whose other end is here.
 */
#ifndef FUZZ_NET_H
#define FUZZ_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cook.h"
#include "wire/frame.h"

#define NET_LANES 2

/* One channel: what the client said there, and what it is to hear. */
struct net_end {
	int client, server;
	struct buf heard;
};

struct net {
	struct net_end main, lanes[NET_LANES];
	const char *lane_text[NET_LANES]; /* of cook.h, up to the next */
	const char *start, *at,
		*stop;   /* what is left to be said on the main one */
	const char *end; /* of all texts */
	size_t n_lanes, n_texts;
	struct cook cook;
};

/*
 * Makes the connection that the client gets next.  The server will say `text',
 * up to stop: ">wait" divides it, and what is behind ">lane" comes on a further
 * channel.
 */
void net_open(struct net *n, const char *text, const char *stop,
	const struct manifest *base);
void net_close(struct net *n);

/* Says what comes up to the next ">wait"; false at the end, which is said. */
bool net_say(struct net *n);
/* Takes what the client has said, on all channels. */
void net_hear(struct net *n);
typedef void net_frame_fn(const struct frame *f, void *arg);
/*
 * Takes from `heard' what the client said: the magic line, or no more than its
 * beginning, and frames, each of one of these types, up to a NULL.
 */
void net_frames(struct buf *heard, const char *const *types, net_frame_fn *fn,
	void *arg);
/* Whether the client has something there that it has not read. */
bool net_unread(const struct net_end *e);

#endif
