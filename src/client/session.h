/*
 * One conversation with one server, from the client's side.
 *
 *	session_open()      starts to connect; hello is queued
 *	channel_send(&s->channel, ...)
 *	sessions_turn()     polls all sessions, moves bytes
 *	session_next()      frames that came
 *	session_close()
 *
 * Pings are sent and answered here.  A server that is silent for too long,
 * or gone, makes session_next() fail with the transport's reason.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "base/bucket.h"
#include "client/options.h"
#include "client/project.h"
#include "transport/transport.h"
#include "wire/message.h"

struct session {
	const struct target *target;
	struct transport *transport;
	struct transport_options transport_options;
	struct transport_report report; /* valid after session_close() */
	struct channel channel;
	bool greeted; /* the server's hello came */
	struct msg_hello server;
	int64_t pinged, heard; /* io_now_ms() */
	int input;             /* polled for reading besides, or -1 */
	bool input_ready;      /* by the last turn */
	bool paused;           /* nothing is read for now */
	struct bucket *limit;  /* what is sent comes out of it, or NULL */
	int64_t limited_us;    /* how long it has held something back */
	int64_t limited_since; /* io_now_us(), or 0: it does not */
	bool branch;           /* a further channel of another's connection */
	int fd;                /* of a branch */
};

/* How a target is reached; what it points to is t's and o's. */
struct transport_options session_transport(const struct target *t,
	const struct options *o);
void session_open(struct session *s, const struct target *t,
	const struct options *o);
/*
 * A further conversation by the same connection, or -1.  It has no transport,
 * and at its end no reason.
 */
int session_branch(struct session *s, struct session *of);
/* Bytes on the wire so far. */
uint64_t session_sent(const struct session *s);
/* What a round trip takes, in ms; 0: unknown. */
int session_rtt(const struct session *s);
/*
 * For how many microseconds so far something waited for the link, which is as
 * fast as we may use it; see transport_link_us().
 */
int64_t session_link_us(const struct session *s);
/* Polls for up to timeout ms; NULLs are passed over. */
int sessions_turn(struct session *const *v, size_t n, int timeout_ms,
	struct error *err);
/*
 * The next frame but the first, hello, and .ping, which are handled here: 1,
 * 0 none now, -1 the conversation is over without a result (closes the
 * transport to learn why).
 */
int session_next(struct session *s, struct frame *f, struct error *err);
/* Ends it, whatever is queued; may be called again. */
void session_close(struct session *s);
/*
 * After session_close(): the event target-result, with `well' for a status
 * where err is NULL; r may be empty.
 */
void session_tell_result(const struct session *s, const struct msg_result *r,
	enum status well, const struct error *err);
void session_release(struct session *s);

#endif
