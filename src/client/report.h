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

/* One escaped line of data on standard output. */
void report_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "M path", and behind a tab the detail, if any, as data. */
void report_path(const char *mark, const char *path, const char *detail);

/*
 * JSON events: report_event("stage", "target", "s", text, "ms", "i", n,
 * NULL): name, then key, kind (s string or NULL, i int64_t, b int as bool)
 * and value until NULL.  A no-op unless report_json(true) was called.
 */
void report_json(bool on);
bool report_is_json(void);
void report_event(const char *name, ...);

/* One release as an event or, human, a line of `deploy releases`. */
void report_release(const struct msg_release *r, const char *target);

#endif
