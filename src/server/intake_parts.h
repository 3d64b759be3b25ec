/*
 * The intake's process, shared by the files that are its parts:
 *
 *	intake_work.c     its beginning and end, the manifest
 *	intake_expect.c   which lines' files come, in which order
 *	intake_files.c    their stream
 */
#ifndef SERVER_INTAKE_PARTS_H
#define SERVER_INTAKE_PARTS_H

#include <pthread.h>

#include "server/intake.h"
#include "server/writer.h"
#include "tree/unpack.h"
#include "wire/message.h"

/* The process's own state; the channel's sending half is shared. */
struct worker {
	const struct intake_options *o;
	struct channel channel;
	pthread_mutex_t speech;
	int text;
	struct manifest m;
	struct manifest_reader reader;
	struct zin *z;
	uint32_t *expected; /* lines, in the order their files come */
	size_t n, cap, next;
	uint64_t bads; /* members that were, so far */
	size_t bad;    /* lines that were: only an answer brings them again */
	struct ranges held; /* lines offered that were: expected later */
	bool offering;      /* what was offered comes; needs do later */
	bool parts;    /* the client names what comes, bad lines as others */
	bool *instead; /* by place in m: sent whole in place of a chunk */
	struct unpack *unpack;
	struct buf files; /* what unpack reads: it may not be done with it */
	struct buf ahead; /* of the same stream: not asked for yet */
	struct writer *writer;
	struct buf *piece; /* of the file under way, to be filled */
};

/* Waits for a frame: 1, or 0 when the session has ended. */
int intake_next_frame(struct worker *w, struct frame *f, struct error *err);
/* Says it to the session, with lines or NULL; by either thread. */
void intake_say(struct worker *w, const char *type, const struct ranges *lines);
/* Bytes of the manifest's text, into the reader and the session's file. */
int intake_take_manifest(struct worker *w, const struct frame *f,
	struct error *err);

/* One more line; those that have come are forgotten now and then. */
void intake_expect(struct worker *w, uint32_t line);
/* One that was offered and bad, in the order in which they were found. */
void intake_hold(struct worker *w, uint32_t line);
/* What is no part of the files stream; 0 or -1. */
int intake_take_control(struct worker *w, const struct frame *f,
	struct error *err);

/* unpack wants more of the files stream: an unpack_pull_fn. */
ssize_t intake_pull_files(void *arg, const void **data, struct error *err);
/* Until the session ends: 0, or -1. */
int intake_receive_files(struct worker *w, struct error *err);

#endif
