/* The verb log: what the hooks of a release said. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

/* Of a log with -n, so much at most is held: the last half of twice that. */
#define HELD_MOST (16 * 1024 * 1024)
/* What has no line feed is printed in pieces. */
#define LINE_MOST 65536

struct lines {
	struct buf text;
	uint64_t most;             /* of lines, 0: all */
	const struct target *told; /* whose name was printed */
};

/* Drops all but the last lines, and never the unfinished one. */
static void
drop(struct lines *l)
{
	const char *s = buf_str(&l->text), *at = s + l->text.len;
	uint64_t n = 0;

	if (at > s && at[-1] == '\n')
		at--;
	while (at > s && (at[-1] != '\n' || ++n < l->most))
		at--;
	buf_consume(&l->text, (size_t)(at - s));
}

static void
print_line(const struct ask *a, const char *s, size_t len)
{
	char *line;

	if (!report_is_json()) {
		report_line("%.*s", (int)len, s);
		return;
	}
	line = mem_strndup(s, len);
	report_event("log", "target", "s", a->target->text, "text", "s", line,
		NULL);
	free(line);
}

/* Prints whole lines; with `all', what is left too. */
static void
print(const struct ask *a, struct buf *text, bool all)
{
	while (text->len) {
		const char *nl = memchr(text->data, '\n', text->len);
		size_t len = nl ? (size_t)(nl - text->data) : text->len;

		if (!nl && !all && len < LINE_MOST)
			return;
		print_line(a, text->data, len);
		buf_consume(text, len + (nl != NULL));
	}
}

static int
begin(struct ask *a, struct error *err)
{
	struct lines *l = a->arg;

	buf_clear(&l->text);
	return 0;
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct lines *l = a->arg;

	if (strcmp(f->type, ".log") != 0)
		return ask_unexpected(f, err);
	if (a->targets > 1 && l->told != a->target && !report_is_json())
		report_line("%s", a->target->text);
	l->told = a->target;
	buf_add(&l->text, f->data, f->len);
	if (!l->most)
		print(a, &l->text, false);
	else if (l->text.len > 2 * HELD_MOST) {
		drop(l);
		if (l->text.len > HELD_MOST)
			buf_consume(&l->text, l->text.len - HELD_MOST);
	}
	return 0;
}

static void
done(struct ask *a, const struct msg_result *r)
{
	struct lines *l = a->arg;

	if (l->most)
		drop(l);
	print(a, &l->text, true);
}

int
verb_log(struct options *o, struct error *err)
{
	struct lines l = { BUF_INIT, o->lines, NULL };
	struct ask a = { .verb = "log",
		.begin = begin,
		.take = take,
		.done = done,
		.arg = &l };
	int rc = ask_run(&a, o, err);

	buf_release(&l.text);
	return rc;
}
