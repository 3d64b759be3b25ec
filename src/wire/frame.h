/*
 * Frames: what both directions of the conversation consist of.
 *
 *	frame = type SP length LF payload
 *
 * A type is 1 to 16 of [.a-z-], a length at most 65536 in decimal without
 * leading zeros.  A frame whose type begins with "." may be skipped by who
 * does not know it.  Framing knows bytes; message.h knows what they mean.
 *
 * A channel is two descriptors with a bounded queue each way.  Its owner
 * polls: channel_wants() says for what, channel_pump() does what poll found,
 * channel_next() gives the frames that have come.  Writing only queues.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

#define FRAME_TYPE_MOST 16
#define FRAME_MOST 65536
/* "type SP length LF" at its longest. */
#define FRAME_HEAD_MOST (FRAME_TYPE_MOST + 1 + 5 + 1)
/* Above this much unsent the owner stops producing. */
#define CHANNEL_QUEUE (256 * 1024)

#define PROTOCOL_MAGIC "deploy-protocol 1\n"

struct frame {
	char type[FRAME_TYPE_MOST + 1];
	const char *data; /* valid until the next channel_next() */
	size_t len;
};

/*
 * Takes the next frame apart at data.  Returns its whole length (header
 * included), 0 if more bytes are needed, -1 if it is malformed.
 */
long frame_parse(const char *data, size_t len, struct frame *f,
	struct error *err);
/* Adds a frame; len is at most FRAME_MOST. */
void frame_add(struct buf *out, const char *type, const void *data, size_t len);

struct channel {
	int in, out; /* borrowed; may be the same */
	struct buf rx, tx;
	size_t taken;     /* of rx, by the frame last given */
	size_t allowance; /* bytes that a pump may write; else no bound */
	bool wants_magic; /* the peer's first line has not come yet */
	bool eof;         /* nothing more will come */
	bool broken;      /* writing failed: what is queued is dropped */
	uint64_t received, sent;
	FILE *trace;      /* DEPLOY_TRACE, or NULL */
	const char *peer; /* in errors: "the server", "the client" */
};

/* Descriptors are made non-blocking.  magic: this end begins and expects it. */
void channel_init(struct channel *c, int in, int out, bool magic,
	const char *peer);
void channel_release(struct channel *c);

void channel_send(struct channel *c, const char *type, const void *data,
	size_t len);
void channel_sendf(struct channel *c, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the queue is full: stop producing until it drained. */
bool channel_full(const struct channel *c);

/*
 * Reads and writes what is possible now.  A failed write only marks the
 * channel broken: what the peer had said before is still to be read.
 */
int channel_pump(struct channel *c, bool readable, bool writable,
	struct error *err);

/*
 * The next frame that has come whole: 1, 0 for none yet, -1 if the peer does
 * not speak the protocol (what it said instead is quoted).
 */
int channel_next(struct channel *c, struct frame *f, struct error *err);

/* Opens DEPLOY_TRACE's file, appended to; NULL if unset. */
FILE *channel_trace_open(void);

#endif
