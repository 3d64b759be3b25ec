#include "client/watch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/report.h"
#include "client/signals.h"
#include "wire/message.h"

#define TAIL_LINES 40
/* What has no line feed is shown in pieces. */
#define LINE_MOST 16384

void
watch_init(struct watch *w, const char *target, bool prefix)
{
	memset(w, 0, sizeof(*w));
	w->target = target;
	w->prefix = prefix;
	w->point = "switch";
	timeline_init(&w->timeline);
	w->began = w->timeline.began;
}

void
watch_release(struct watch *w)
{
	buf_release(&w->rest);
	buf_release(&w->tail);
}

/* The length of a colour's escape sequence at s, or 0. */
static size_t
colour(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < len && (isdigit((unsigned char)s[i]) || s[i] == ';'))
		i++;
	return i < len && s[i] == 'm' ? i + 1 : 0;
}

/*
 * What a terminal would be left with: colours have no meaning in a log, and
 * of a line that is written over again and again the last version counts.
 */
static void
plain_line(const char *s, size_t len, struct buf *out)
{
	const char *cr;
	size_t n;

	while (len && s[len - 1] == '\r')
		len--;
	cr = len ? memrchr(s, '\r', len) : NULL;
	if (cr) {
		len -= (size_t)(cr + 1 - s);
		s = cr + 1;
	}
	for (; len; s += n, len -= n) {
		n = colour(s, len);
		if (n)
			continue;
		n = 1;
		if (*s == '\t')
			buf_addf(out, "%*s", (int)(8 - out->len % 8), "");
		else
			buf_addch(out, *s ? *s : '?');
	}
}

static void
keep(struct watch *w, const char *line)
{
	buf_addstr(&w->tail, line);
	buf_addch(&w->tail, '\n');
	if (++w->tail_lines > TAIL_LINES) {
		buf_consume(&w->tail, strcspn(w->tail.data, "\n") + 1);
		w->tail_lines--;
	}
}

static void
show_line(struct watch *w, const char *s, size_t len)
{
	struct buf line = BUF_INIT;

	plain_line(s, len, &line);
	keep(w, buf_str(&line));
	log_info("%s%s%s", w->prefix ? w->target : "", w->prefix ? ": " : "",
		buf_str(&line));
	report_event("log", "target", "s", w->target, "text", "s",
		buf_str(&line), NULL);
	buf_release(&line);
}

static void
take_log(struct watch *w, const struct frame *f)
{
	buf_add(&w->rest, f->data, f->len);
	for (;;) {
		const char *nl = w->rest.len ?
			memchr(w->rest.data, '\n', w->rest.len) :
			NULL;
		size_t len = nl ? (size_t)(nl - w->rest.data) : w->rest.len;

		if (!nl && len < LINE_MOST)
			return;
		show_line(w, w->rest.data, len);
		buf_consume(&w->rest, len + (nl != NULL));
	}
}

static void
take_note(struct watch *w, const struct frame *f)
{
	char *text = mem_strndup(f->data, f->len);

	log_info("%s: %s", w->target, text);
	report_event("note", "target", "s", w->target, "text", "s", text, NULL);
	free(text);
}

static void
enter_stage(struct watch *w, const char *name)
{
	watch_end(w);
	strcpy(w->stage, name);
	timeline_enter(&w->timeline, name);
	log_verbose("%s: %s (%.1f s)", w->target, w->stage,
		(double)(io_now_ms() - w->began) / 1000);
	report_event("stage", "target", "s", w->target, "stage", "s", w->stage,
		NULL);
	if (!strcmp(w->stage, w->point))
		w->switched = true;
}

static void
take_stage(struct watch *w, const struct frame *f)
{
	struct msg_stage m = { 0 };
	struct error ignored = ERROR_INIT;

	if (MESSAGE_READ(stage, f, &m, &ignored) == 0 && m.name && *m.name &&
		strlen(m.name) < sizeof(w->stage))
		enter_stage(w, m.name);
	MESSAGE_RELEASE(stage, &m);
}

bool
watch_frame(struct watch *w, const struct frame *f)
{
	if (!strcmp(f->type, ".log"))
		take_log(w, f);
	else if (!strcmp(f->type, ".note"))
		take_note(w, f);
	else if (!strcmp(f->type, ".stage"))
		take_stage(w, f);
	else
		return false;
	return true;
}

void
watch_end(struct watch *w)
{
	if (w->rest.len)
		show_line(w, w->rest.data, w->rest.len);
	buf_clear(&w->rest);
}

void
watch_lost(const struct watch *w, struct error *err)
{
	/* ^C at the terminal ends the ssh or proxy that we run first. */
	if (signals_caught())
		signals_error(err, "interrupted");
	if (!w->switched)
		return;
	error_prefix(err, "after the %s had begun: ", w->point);
	error_hint(err,
		"the server goes on by itself, unless it was stopped; see what "
		"is live: deploy status %s",
		w->target);
}

void
watch_show_tail(const struct watch *w)
{
	const char *s = buf_str(&w->tail);
	struct buf out = BUF_INIT;

	while (*s) {
		size_t len = strcspn(s, "\n");

		escape_add(&out, s, len);
		buf_addch(&out, '\n');
		s += len + (s[len] == '\n');
	}
	(void)io_write_full(STDERR_FILENO, buf_str(&out), out.len);
	buf_release(&out);
}
