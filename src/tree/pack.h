/*
 * The client's end of the files stream: files of a manifest, and chunks of
 * them, in the order they are asked for, as one tar inside one zstd stream
 * that lasts as long as the conversation.  A thread of its own does the work
 * (packer.h).
 *
 * A chunk, and a file of up to PACK_WHOLE bytes, is read whole before its
 * header, and hashed unless it has not changed since the tree was read, or was
 * kept then (kept.h); one that changed is announced with its new entry first.
 * A larger one that changes while it passes is found by the server, whose
 * `bad` leads to pack_again().  A file is never padded or cut.  One that is
 * amended loses its chunks and is sent whole (wanted.h).
 */
#ifndef TREE_PACK_H
#define TREE_PACK_H

#include <pthread.h>

#include "base/buf.h"
#include "base/error.h"
#include "tree/effort.h"
#include "tree/manifest.h"
#include "tree/source.h"

#define PACK_WHOLE (1024 * 1024)
#define PACK_TRIES 3

struct pack;

enum pack_step {
	PACK_ERROR = -1,
	PACK_IDLE,    /* all that was asked for is in `out`, flushed */
	PACK_MORE,    /* call again when there is room */
	PACK_AMENDED, /* *amended changed in m: announce it behind what is in
	                 `out`, flushed, then call again */
};

struct pack_options {
	int threads; /* that compress, once much is asked for; 0: none */
	pthread_mutex_t *mutex; /* held while an entry of m is amended, or
	                           NULL: nobody else reads m */
};

/* Borrows all three; m's entries are amended in place. */
struct pack *pack_new(struct source *source, struct manifest *m,
	const struct pack_options *o);
void pack_free(struct pack *p);

/* Asks for one more file, by its place in m; or for what a line says. */
void pack_ask(struct pack *p, size_t entry);
void pack_ask_line(struct pack *p, uint32_t line);
/*
 * The server could not verify it: it is sent once more.  A file is hashed
 * again and amended before, a chunk is hashed anyhow.  After PACK_TRIES that
 * is an error.
 */
void pack_again(struct pack *p, uint32_t line);

/* Gives the amended entries back as they were; nothing more is packed then. */
void pack_undo(struct pack *p);

/* Adds some of the stream, about 128 KiB of files, to out. */
enum pack_step pack_step(struct pack *p, struct buf *out,
	const struct entry **amended, struct error *err);

/*
 * After a step: how long, in microseconds, it had to wait for room, something
 * waited for the link, and the link had nothing to send.  The effort follows
 * from that; the second tells of it.
 */
struct pack_waits {
	int64_t room, link, starved;
};
void pack_adapt(struct pack *p, const struct pack_waits *w);
const struct effort *pack_effort(const struct pack *p);

/* Bytes of files that went in so far. */
uint64_t pack_done(const struct pack *p);

#endif
