/*
 * What a person or a script is told.  Human lines go to standard error;
 * standard output is for data.  With --json, one JSON object a line goes to
 * standard output, the last being the result (deploy(1), JSON EVENTS).
 */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/message.h"

/* 4,833; 12.1 KB (powers of 1000 as disks and networks have them); 0.4 s. */
void report_count(struct buf *out, uint64_t n);
void report_bytes(struct buf *out, uint64_t n);
void report_seconds(struct buf *out, int64_t ms);
/* "2026-11-23 06:15 (3 days ago)" in local time. */
void report_time(struct buf *out, uint64_t seconds);

/* The progress line: bytes, rate, ETA; redrawn at most ten times a second. */
struct progress {
	const char *what;     /* "sending", "hashing" */
	uint64_t done, total; /* bytes */
	int64_t began, drawn; /* io_now_ms() */
};

void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

/*
 * Output of a hook: whole lines, each escaped, prefixed with `prefix` where
 * there are several targets.  The last 40 lines are kept, to be shown by
 * -q when the hook fails.
 */
struct hook_output {
	const char *prefix;
	struct buf rest; /* an unfinished line */
	struct buf tail;
};

void hook_output_add(struct hook_output *h, const char *data, size_t len);
void hook_output_end(struct hook_output *h);
void hook_output_show_tail(struct hook_output *h);
void hook_output_release(struct hook_output *h);

/*
 * JSON events: report_event("stage", "target", "s", text, "ms", "i", n,
 * NULL): name, then key, kind (s string or NULL, i int64_t, b int as bool)
 * and value until NULL.  A no-op unless report_json(true) was called.
 */
void report_json(bool on);
bool report_is_json(void);
void report_event(const char *name, ...);
/* One release as an event or, human, a line of `deploy releases`. */
void report_release(const struct msg_release *r);

#endif
