#include "client/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "client/report.h"

/* What has no line feed is printed in pieces. */
#define LINE_MOST (1 << 20)

static int
tell_line(const struct output *o, const char *data, size_t len)
{
	char *line = mem_strndup(data, len);

	report_event("output", "target", "s", o->target, "text", "s", line,
		NULL);
	free(line);
	return 0;
}

static int
print_line(struct output *o, const char *data, size_t len, struct error *err)
{
	struct buf line = BUF_INIT;
	int rc;

	if (report_is_json())
		return tell_line(o, data, len);
	escape_add(&line, data, len);
	buf_addch(&line, '\n');
	rc = sink_add(o->sink, line.data, line.len, err);
	buf_release(&line);
	return rc;
}

static int
print_lines(struct output *o, bool all, struct error *err)
{
	while (o->rest.len) {
		const char *nl = memchr(o->rest.data, '\n', o->rest.len);
		size_t len = nl ? (size_t)(nl - o->rest.data) : o->rest.len;

		if (!nl && !all && len < LINE_MOST)
			return 0;
		if (print_line(o, o->rest.data, len, err) < 0)
			return -1;
		buf_consume(&o->rest, len + (nl != NULL));
	}
	return 0;
}

int
output_add(struct output *o, const char *data, size_t len, struct error *err)
{
	if (!o->sink)
		o->sink = sink_open(STDOUT_FILENO, "to standard output");
	if (!o->lines && !report_is_json())
		return sink_add(o->sink, data, len, err);
	buf_add(&o->rest, data, len);
	return print_lines(o, false, err);
}

bool
output_full(const struct output *o)
{
	return o->sink && sink_full(o->sink);
}

int
output_end(struct output *o, struct error *err)
{
	int rc = print_lines(o, true, err);

	if (sink_close(o->sink, err) < 0)
		rc = -1;
	o->sink = NULL;
	return rc;
}

void
output_release(struct output *o)
{
	struct error ignored = ERROR_INIT;

	(void)sink_close(o->sink, &ignored);
	buf_release(&o->rest);
}
