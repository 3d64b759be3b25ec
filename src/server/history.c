/* The events of the history as lines of text. */
#include "server/history_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIELDS 6
/* Bytes of older switches that stay in one that is cut down. */
#define SWITCHES_MOST (256u << 10)
/* Bytes of a text and of a name that are kept. */
#define TEXT_MOST 1023
#define WHO_MOST 255

/* A field without blanks: what would end it becomes \xNN; "-" is none. */
static void
add_field(struct buf *out, const char *s)
{
	if (!s || !*s)
		s = "-";
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c == '\\' || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_addch(out, *s);
	}
}

/* The byte that "\xNN" at s stands for; 0, which none is, if it is no escape. */
static char
read_escape(const char *s, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (len < 4 || s[0] != '\\' || s[1] != 'x')
		return '\0';
	high = memchr(digits, s[2], 16);
	low = memchr(digits, s[3], 16);
	return high && low ? (char)((high - digits) << 4 | (low - digits)) :
			     '\0';
}

/* Adds a field and its NUL. */
static void
read_field(const char *s, size_t len, struct buf *out)
{
	const char *end = s + len;

	if (len == 1 && *s == '-')
		end = s;
	while (s < end) {
		const char *mark = memchr(s, '\\', (size_t)(end - s));
		char c;

		buf_add(out, s, (size_t)((mark ? mark : end) - s));
		if (!mark)
			break;
		c = read_escape(mark, (size_t)(end - mark));
		buf_addch(out, c ? c : '\\');
		s = mark + (c ? 4 : 1);
	}
	buf_addch(out, '\0');
}

void
history_line(struct buf *out, int64_t when, const char *name, const char *id,
	const char *from, const char *who, const char *text)
{
	char cut[TEXT_MOST + 1], whose[WHO_MOST + 1];

	snprintf(cut, sizeof(cut), "%s", text ? text : "");
	snprintf(whose, sizeof(whose), "%s", who ? who : "");
	buf_addf(out, "%lld %s ", (long long)when, name);
	add_field(out, id);
	buf_addch(out, ' ');
	add_field(out, from);
	buf_addch(out, ' ');
	add_field(out, whose);
	buf_addch(out, ' ');
	add_field(out, cut);
	buf_addch(out, '\n');
}

/*
 * Six fields between single blanks; anything else is no event.  They are in
 * `room' until it is used again.
 */
static int
parse_event(const char *line, size_t len, struct buf *room, struct event *e)
{
	size_t at[FIELDS], i, n;

	buf_clear(room);
	for (i = 0; i < FIELDS; i++) {
		const char *blank = memchr(line, ' ', len);

		n = blank ? (size_t)(blank - line) : len;
		if (n == 0 || (blank == NULL) != (i == FIELDS - 1))
			return -1;
		at[i] = room->len;
		read_field(line, n, room);
		n += blank != NULL;
		line += n;
		len -= n;
	}
	e->time = strtoll(room->data + at[0], NULL, 10);
	e->name = room->data + at[1];
	e->id = room->data + at[2];
	e->from = room->data + at[3];
	e->who = room->data + at[4];
	e->text = room->data + at[5];
	return 0;
}

int
history_each(const struct store *s, history_fn *fn, void *arg,
	struct error *err)
{
	struct buf text = BUF_INIT, room = BUF_INIT;
	const char *p, *nl, *end;
	int stop = 0, rc = history_text(s, &text, err);

	p = buf_str(&text);
	for (end = p + (rc < 0 ? 0 : text.len); !stop && p < end; p = nl + 1) {
		struct event e;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		if (parse_event(p, (size_t)(nl - p), &room, &e) == 0)
			stop = fn(&e, arg);
	}
	buf_release(&room);
	buf_release(&text);
	return rc;
}

/* Of a release that may be gone back to, or what tells of one. */
static bool
is_switch(const struct store *s, const char *line, size_t len, struct buf *room)
{
	static const char *const names[] = { "switching", "live", "rollback",
		"back", "reverted", "broken" };
	bool is = false;
	struct event e;
	size_t i;

	if (parse_event(line, len, room, &e) == 0)
		for (i = 0; !is && i < sizeof(names) / sizeof(*names); i++)
			is = !strcmp(e.name, names[i]) &&
				path_is_release(e.id) &&
				!store_lost_release(s, e.id);
	return is;
}

/* The line that ends before `end', of a text that begins at p. */
static const char *
line_before(const char *p, const char *end)
{
	const char *line = end;

	while (line > p && (line == end || line[-1] != '\n'))
		line--;
	return line;
}

static bool
cut_down(const struct store *s, const struct buf *old, struct buf *text,
	void *unused)
{
	const char *p = buf_str(old), *end = p + old->len, *at, *line;
	const char *kept;
	const char **switches = NULL; /* the latest first */
	struct buf room = BUF_INIT;
	size_t n = 0, cap = 0, total = 0, len;

	(void)unused;
	/* Somebody else may have done it meanwhile. */
	if (old->len <= HISTORY_LONG)
		return false;
	kept = line_before(p, end - HISTORY_KEPT);
	for (at = kept; at > p && total < SWITCHES_MOST; at = line) {
		line = line_before(p, at);
		len = (size_t)(at - line);
		if (is_switch(s, line, len - 1, &room)) {
			MEM_GROW(switches, n, cap);
			switches[n++] = line;
			total += len;
		}
	}
	while (n-- > 0) {
		line = switches[n];
		at = memchr(line, '\n', (size_t)(end - line));
		buf_add(text, line, (size_t)(at + 1 - line));
	}
	buf_release(&room);
	free(switches);
	buf_add(text, kept, (size_t)(end - kept));
	return true;
}

int
history_append(const struct store *s, const char *name, const char *id,
	const char *from, const char *who, const char *text, struct error *err)
{
	return history_append_at(s, time(NULL), name, id, from, who, text, err);
}

int
history_append_at(const struct store *s, int64_t when, const char *name,
	const char *id, const char *from, const char *who, const char *text,
	struct error *err)
{
	struct error ignored = ERROR_INIT;
	struct buf line = BUF_INIT;
	int64_t len;

	history_line(&line, when, name, id, from, who, text);
	do {
		len = history_add(s, &line);
	} while (len < 0 && store_throw_ballast(s));
	if (len < 0) {
		error_errno(err, "cannot write %s/.deployd/history", s->path);
		store_trouble(err);
	}
	buf_release(&line);
	/* One that stays long is read all the same. */
	if (len > HISTORY_LONG)
		(void)history_rewrite(s, cut_down, NULL, true, &ignored);
	return len < 0 ? -1 : 0;
}
