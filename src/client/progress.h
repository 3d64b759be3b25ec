/*
 * The live line: bytes, rate and time left, redrawn at most ten times a
 * second, on a terminal only; with --json an event twice a second.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *what;     /* "sending", "hashing"; NULL: none is shown */
	const char *target;   /* in the event, or NULL: no event */
	uint64_t done, total; /* bytes; total 0: not known */
	int64_t began, drawn, told; /* io_now_ms() */
};

void progress_begin(struct progress *p, const char *what, const char *target,
	uint64_t total);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

#endif
