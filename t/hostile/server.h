/*
 * The hostile server: what it says to a client, and what has to become of
 * that.  server.c runs deploy, which runs the same program in place of
 * deployd; it says what stands in the file `said', and keeps what it hears.
 */
#ifndef HOSTILE_SERVER_H
#define HOSTILE_SERVER_H

#include "talk.h"

struct say {
	const char *type, *payload;
};
/* The type of one that is raw: it comes first, in place of hello. */
#define RAW ""
#define SAYS_MOST 8

/*
 * Runs `deploy WORDS' against these frames, which follow hello unless the
 * first says otherwise, and then the end of the conversation.  It has to end
 * with that status and `says' in what it prints.
 */
void against(const char *words, const struct say *v, int status,
	const char *says, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The same with bytes, from the first line on. */
void against_bytes(const char *words, const struct buf *said, int status,
	const char *says, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

void server_states(void);
void server_texts(void);
void server_ranges(void);

#endif
