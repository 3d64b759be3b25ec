#include "client/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "wire/words.h"

void
report_count(struct buf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_addch(out, ',');
		buf_addch(out, digits[i]);
	}
}

void
report_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB",
		"PB" };
	double value = (double)n;
	size_t i = 0;

	/* 999,950 bytes are 1.0 MB, not 1000.0 KB. */
	while (value >= (i ? 999.95 : 1000) &&
		i + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1000;
		i++;
	}
	buf_addf(out, "%.*f %s", i ? 1 : 0, value, units[i]);
}

void
report_seconds(struct buf *out, int64_t ms)
{
	if (ms < 59950)
		buf_addf(out, "%.1f s", (double)ms / 1000);
	else
		buf_addf(out, "%" PRId64 " min %02d s", (ms + 500) / 60000,
			(int)((ms + 500) / 1000 % 60));
}

static void
add_age(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n > 0) {
			buf_addf(out, "%" PRId64 " %s%s ago", n, units[i].name,
				n == 1 ? "" : "s");
			return;
		}
	}
	buf_addstr(out, "just now");
}

void
report_time(struct buf *out, uint64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
		!strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm))
		return;
	buf_addf(out, "%s (", text);
	add_age(out, (int64_t)(time(NULL) - when));
	buf_addch(out, ')');
}

void
report_line(const char *fmt, ...)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	escape_add(&line, buf_str(&text), text.len);
	buf_addch(&line, '\n');
	fwrite(line.data, 1, line.len, stdout);
	buf_release(&text);
	buf_release(&line);
}

void
report_path(const char *mark, const char *path, const char *detail)
{
	struct buf b = BUF_INIT;

	escape_add(&b, mark, strlen(mark));
	buf_addch(&b, ' ');
	escape_add(&b, path, strlen(path));
	if (detail) {
		buf_addch(&b, '\t');
		escape_add(&b, detail, strlen(detail));
	}
	buf_addch(&b, '\n');
	fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
}

static bool json;

void
report_json(bool on)
{
	json = on;
}

bool
report_is_json(void)
{
	return json;
}

/* JSON is UTF-8: other bytes, which a path may have, are escaped. */
static json_t *
make_string(const char *s)
{
	json_t *value = s ? json_string(s) : json_null();
	char *plain;

	if (value)
		return value;
	plain = escape_dup(s);
	value = json_string(plain);
	free(plain);
	return value;
}

static char *
dump(const json_t *o, size_t flags)
{
	char *line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | flags);

	if (!line)
		abort(); /* out of memory */
	return line;
}

/*
 * JSON escapes what ASCII has of control characters, and keeps the others,
 * which a terminal heeds as well: then all that is not ASCII is escaped.
 */
static void
print_object(const json_t *o)
{
	char *line = dump(o, 0), *safe = escape_dup(line);

	if (strcmp(line, safe)) {
		free(line);
		line = dump(o, JSON_ENSURE_ASCII);
	}
	puts(line);
	free(safe);
	free(line);
}

void
report_event(const char *name, ...)
{
	json_t *o;
	const char *key;
	va_list ap;

	if (!json)
		return;
	o = json_object();
	json_object_set_new(o, "event", json_string(name));
	va_start(ap, name);
	while ((key = va_arg(ap, const char *))) {
		const char *kind = va_arg(ap, const char *);

		if (*kind == 'i')
			json_object_set_new(o, key,
				json_integer(va_arg(ap, int64_t)));
		else if (*kind == 'b')
			json_object_set_new(o, key,
				json_boolean(va_arg(ap, int)));
		else
			json_object_set_new(o, key,
				make_string(va_arg(ap, const char *)));
	}
	va_end(ap);
	print_object(o);
	/* Whoever reads it may be waiting for this one. */
	fflush(stdout);
	json_decref(o);
}

static void
add_commit(struct buf *out, const struct msg_release *r)
{
	if (r->git_branch)
		buf_addf(out, "  %s", r->git_branch);
	if (r->git_commit)
		buf_addf(out, " %.8s%s", r->git_commit,
			r->git_dirty ? " (dirty)" : "");
	if (r->git_subject)
		buf_addf(out, " %s", r->git_subject);
}

static void
print_release(const struct msg_release *r)
{
	struct buf b = BUF_INIT, state = BUF_INIT;

	release_state(r, &state);
	buf_addf(&b, "%c %s  %-8s  ", r->live ? '*' : ' ', r->id ? r->id : "",
		buf_str(&state));
	if (r->created)
		report_time(&b, r->created);
	buf_addf(&b, "  %s", r->by ? r->by : "");
	add_commit(&b, r);
	if (r->reason)
		buf_addf(&b, "  [%s]", r->reason);
	report_line("%s", b.data);
	buf_release(&state);
	buf_release(&b);
}

void
report_release(const struct msg_release *r, const char *target)
{
	if (!json) {
		print_release(r);
		return;
	}
	report_event("release", "target", "s", target, "id", "s", r->id, "tree",
		"s", r->tree, "previous", "s", r->previous, "state", "s",
		r->state, "live", "b", (int)r->live, "checked", "b",
		(int)r->checked, "pinned", "b", (int)r->pinned, "held", "b",
		(int)r->held, "created", "i", (int64_t)r->created, "activated",
		"i", (int64_t)r->activated, "files", "i", (int64_t)r->files,
		"bytes", "i", (int64_t)r->bytes, "by", "s", r->by, "commit",
		"s", r->git_commit, "branch", "s", r->git_branch, "subject",
		"s", r->git_subject, "dirty", "b", (int)r->git_dirty, "remote",
		"s", r->remote, "reason", "s", r->reason, NULL);
}
