/*
 * What both hostile peers are made of, written from deploy-protocol(5) alone:
 * nothing of src/ but buffers, hashes and unit's macros is used, so that a
 * mistake of ours is not made twice.
 *
 *	client.c   runs `deployd --serve' once for each case of its tables
 *	server.c   is run by deploy in place of deployd; cases by name
 *
 * Both print `ok NAME' or `not ok NAME: why', one line a case.
 */
#ifndef HOSTILE_TALK_H
#define HOSTILE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define MAGIC "deploy-protocol 1\n"
#define HEX 64

/* A string literal that may have NULs in it, and its length. */
#define BYTES(s) (s), sizeof(s) - 1

#define COUNT(v) (sizeof(v) / sizeof(*(v)))

void talk_frame(struct buf *out, const char *type, const void *data,
	size_t len);
void talk_line(struct buf *out, const char *type, const char *payload);
/* The bytes as frames of that type, as many as it takes. */
void talk_stream(struct buf *out, const char *type, const struct buf *bytes);

/* The SHA-256 in hexadecimal. */
void talk_hash(const void *data, size_t len, char hex[static HEX + 1]);
/* Of the d, f and l lines of a manifest's text. */
void talk_tree(const struct buf *text, char hex[static HEX + 1]);

/* One zstd frame. */
void talk_pack(struct buf *out, const void *data, size_t len);

/* The next frame at *at, which moves: false if there is no whole one. */
struct heard {
	char type[17];
	const char *data;
	size_t len;
};
bool talk_next(const struct buf *in, size_t *at, struct heard *f);
/* The value of a key in a control payload, or "". */
const char *talk_value(const struct heard *f, const char *key, char *value,
	size_t size);

/*
 * Processes.  The child's standard input and output are `in' and `out'; what it
 * says to standard error goes to the file `errors'.  A process keeps the peak
 * in memory of the one that forked it, which here may be much: so a small one
 * of ours starts it, `measure', which main() calls when it is to.
 */
struct child {
	int pid;
	int in, out;
	int report;
};
#define MEASURE "--measure"
int measure(char *const argv[]);
void child_start(struct child *c, char *const argv[], const char *errors);
/*
 * Writes `first', and all that then() adds to `more' for each frame that
 * comes; collects what it says.  Ends when it has closed its end, or after `ms':
 * false.
 */
struct talk {
	struct buf out, in;
	size_t seen;  /* of in, by heard() */
	bool drips;   /* goes on with pings */
	bool deaf;    /* reads nothing before the other has ended */
	size_t sips;  /* or so many bytes a tenth of a second; 0: all */
	bool closing; /* once out is written, the end */
	void (*heard)(struct talk *t, const struct heard *f);
	void *arg;
};
bool child_talk(struct child *c, struct talk *t, int ms);
/* Its exit status, or -1 if it was killed; *kib is its peak in memory. */
int child_end(struct child *c, long *kib);

/* One case in $HOSTILE_EVERY, which is 1 if not said, is made. */
bool talk_next_case(void);
/* Prints the line of a case; `why' is NULL if it passed. */
void talk_result(const char *name, const char *why);

#endif
