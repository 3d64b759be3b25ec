/*
 * The thread of the intake that writes files into tmp/, beside the one that
 * decompresses, parses and hashes.  What it is given waits in a queue that
 * holds no more than WRITER_SLOTS pieces:
 *
 *	data = writer_slot(w);         waits for room, and is filled by the
 *	...                            caller, with WRITER_PIECE bytes at most
 *	writer_put(w, &part);          it is on its way
 *
 * A file of one piece is made under its own name, tmp/HEX, since it was
 * found right before it is written; a larger one, and one whose name is taken
 * (by half of it, perhaps, of another lane), is tmp/in.PID until its last
 * piece says whether it is to be kept.
 *
 * Where no thread can be had the caller's does the work.
 */
#ifndef SERVER_WRITER_H
#define SERVER_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "wire/message.h"

#define WRITER_PIECE ((size_t)64 * 1024)
#define WRITER_SLOTS 64
#define WRITER_NAME 32
#define WRITER_PREFIX "in."

enum writer_end {
	WRITER_MORE,    /* the file goes on */
	WRITER_KEEP,    /* this was its last piece, and it is right */
	WRITER_DROP,    /* it is not what it should be */
	WRITER_NOTHING, /* there is no file: the line is reported */
};

struct writer_part {
	enum writer_end end;
	/* Of one that is kept: its name in tmp/, and its mode. */
	uint8_t digest[DIGEST_SIZE];
	mode_t mode;
	uint32_t line; /* reported when it is there */
	bool report;   /* at once: nothing more may come for now */
};

/* Who is told, from the writer's thread. */
struct writer_host {
	/* These lines are in tmp/ now. */
	void (*got)(void *arg, const struct ranges *lines);
	/* Nothing can be written any more; does not return. */
	void (*fail)(void *arg, struct error *err);
	void *arg;
};

struct writer;

/* Its own in tmp/, where the process is `pid'. */
void writer_name(pid_t pid, char name[static WRITER_NAME]);

/* tmp is borrowed. */
struct writer *writer_new(int tmp, const struct writer_host *host);
/* Writes what waits, reports it, ends the thread. */
void writer_free(struct writer *w);

/* The same empty buffer until it is put. */
struct buf *writer_slot(struct writer *w);
void writer_put(struct writer *w, const struct writer_part *part);

#endif
