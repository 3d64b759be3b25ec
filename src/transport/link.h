/*
 * A libssh2 session on a connection, never blocking.  libssh2 breaks when
 * the socket takes a packet in part, so its packets are taken whole into a
 * queue of ours; and it forgets what it has read when the socket ends, so
 * the end is hidden from it and kept in `ended'.
 *
 *	while ((rc = libssh2_...(link->session, ...)) == LIBSSH2_ERROR_EAGAIN)
 *		if (link_wait(link, deadline, &err) < 0)
 *			...
 *
 * libssh2 waits for an answer after each request, though most answers are
 * known.  What comes next can be sent ahead, to a server that reads in order:
 *
 *	handshake	link_shake() until link->sealed: its last request is out
 *	libssh2_...	the next request, between link_plug(link, true) and
 *			link_plug(link, false): sent, nothing read
 *	handshake	link_shake() until 0, which has to see its answer first
 *
 * and the channel behind a signature: link_ask_channel().
 */
#ifndef TRANSPORT_LINK_H
#define TRANSPORT_LINK_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "connect.h"

struct error;
struct transport;

struct link {
	struct transport *t;
	struct connection connection;
	LIBSSH2_SESSION *session;
	struct buf out;  /* packets to be sent */
	bool ended;      /* no more comes in */
	bool deaf;       /* no more goes out */
	bool said_why;   /* the peer, before it hung up */
	bool closing;    /* libssh2 shall not wait for anything */
	bool plugged;    /* libssh2 shall not read */
	bool shaking;    /* the handshake is not over */
	bool asked;      /* for the channel, ahead of an answer */
	bool keyed;      /* our last packet in clear is out */
	uint64_t sealed; /* packets of ours since then */
	int failed;      /* the errno that ended it, or 0 */
	/* Of io_now_ms(): when all that comes before the conversation ends. */
	int64_t until;
	/* Bytes sent; those that the peer's kernel has; where data ended. */
	uint64_t written, acked, marked;
};

void link_init(struct link *l, struct transport *t, int64_t until);
/* For a connection that may not stand yet. */
int link_open(struct link *l, struct error *err);
/* Frees everything, the connection too. */
void link_close(struct link *l);

/* The handshake: 0, or what libssh2 says, LIBSSH2_ERROR_EAGAIN until it is. */
int link_shake(struct link *l);
/* Whether the server is known to read ahead of what it has not yet answered. */
bool link_reads_ahead(const struct link *l);
void link_plug(struct link *l, bool plugged);
/* Asks for the channel and waits for no answer. */
void link_ask_channel(struct link *l);

/* Sends what the socket takes. */
void link_flush(struct link *l);
/*
 * Waits until something comes in, sending meanwhile.  -1 with err at the
 * deadline or at `until' (of io_now_ms()), at the end of input, or when
 * stopped.
 */
int link_wait(struct link *l, int64_t deadline, struct error *err);
/* What passed since then was a person's, not the server's: not counted. */
void link_extend(struct link *l, int64_t since);
/* Remembers that all that is queued so far matters: no mere keepalive. */
void link_mark(struct link *l);
/*
 * A slow line may take minutes for what is on its way.  The peer counts as
 * heard of when some of what matters was acknowledged since; true while
 * more of it is to be.
 */
bool link_note_acks(struct link *l);
/* libssh2's words for its last failure. */
const char *link_error(const struct link *l);
/* "the connection to web1 ended: ...", with the status that fits. */
int link_broken(const struct link *l, struct error *err);

#endif
