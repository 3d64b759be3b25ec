#include "client/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/report.h"

/* What has no line feed is printed in pieces. */
#define LINE_MOST (1 << 20)

static int
flush(struct error *err)
{
	return fflush(stdout) ?
		error_errno(err, "cannot write to standard output") :
		0;
}

static void
print_line(const struct output *o, const char *data, size_t len)
{
	char *line = mem_strndup(data, len);

	if (report_is_json())
		report_event("output", "target", "s", o->target, "text", "s",
			line, NULL);
	else
		report_line("%s", line);
	free(line);
}

static void
print_lines(struct output *o, bool all)
{
	while (o->rest.len) {
		const char *nl = memchr(o->rest.data, '\n', o->rest.len);
		size_t len = nl ? (size_t)(nl - o->rest.data) : o->rest.len;

		if (!nl && !all && len < LINE_MOST)
			return;
		print_line(o, o->rest.data, len);
		buf_consume(&o->rest, len + (nl != NULL));
	}
}

int
output_add(struct output *o, const char *data, size_t len, struct error *err)
{
	if (!o->lines && !report_is_json()) {
		if (fwrite(data, 1, len, stdout) < len)
			return error_errno(err,
				"cannot write to standard output");
		return flush(err);
	}
	buf_add(&o->rest, data, len);
	print_lines(o, false);
	return flush(err);
}

int
output_end(struct output *o, struct error *err)
{
	print_lines(o, true);
	return flush(err);
}

void
output_release(struct output *o)
{
	buf_release(&o->rest);
}
