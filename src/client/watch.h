/*
 * What a server says of its own accord while it works for us: stages, notes
 * and the output of hooks, as lines or as events.
 */
#ifndef CLIENT_WATCH_H
#define CLIENT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/timeline.h"
#include "wire/frame.h"

struct watch {
	const char *target;
	bool prefix;   /* lines begin with the target: there are several */
	int64_t began; /* io_now_ms() */
	struct timeline timeline;
	char stage[32];    /* the one last begun, or "" */
	const char *point; /* from this stage on, "switch" as a rule, */
	bool switched;     /* the server goes on by itself */
	struct buf rest;   /* an unfinished line of a hook's output */
	struct buf tail;   /* the last lines, for -q */
	size_t tail_lines;
};

void watch_init(struct watch *w, const char *target, bool prefix);
void watch_release(struct watch *w);

/* Takes .stage, .note and .log; whether it was one of them. */
bool watch_frame(struct watch *w, const struct frame *f);
/*
 * The conversation is over without a result.  A signal is the reason if one
 * was caught; and after the switch err says that the server goes on.
 */
void watch_lost(const struct watch *w, struct error *err);
/* No more comes: an unfinished line is shown. */
void watch_end(struct watch *w);
/* What a hook said last, although -q was given. */
void watch_show_tail(const struct watch *w);

#endif
