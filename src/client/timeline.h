/*
 * When each phase of a delivery was over, in milliseconds since it began:
 * what -v tells at the end.  Phases overlap, so they stand in the order in
 * which they ended.
 *
 *	timeline_init(&t)
 *	timeline_done(&t, "scan")     that is over now
 *	timeline_enter(&t, "build")   the one entered before is, and this begins
 *	timeline_connection(&t, &report)
 *	timeline_end(&t)
 *	timeline_format(&t, &out)     "connect 6, key exchange 220, ..."
 */
#ifndef CLIENT_TIMELINE_H
#define CLIENT_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct transport_report;

#define TIMELINE_MOST 24
#define TIMELINE_NAME 24

struct timeline {
	int64_t began; /* io_now_ms() */
	struct phase {
		char name[TIMELINE_NAME];
		int64_t ms;
	} v[TIMELINE_MOST];
	size_t n;
	char open[TIMELINE_NAME]; /* entered and not over, or "" */
};

void timeline_init(struct timeline *t);
/* A name that was there already is moved; beyond the most they are dropped. */
void timeline_add(struct timeline *t, const char *name, int64_t ms);
void timeline_done(struct timeline *t, const char *name);
void timeline_enter(struct timeline *t, const char *name);
/* What the transport noted on its way to the remote program. */
void timeline_connection(struct timeline *t, const struct transport_report *r);
void timeline_end(struct timeline *t);
void timeline_format(const struct timeline *t, struct buf *out);

#endif
