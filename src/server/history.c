/*
 * History: one line an event, appended and synced.  A line that a crash cut
 * short is ended by the next append and passed over by readers.  Behind its
 * end there is room that is allocated already, for when the disk is full.
 */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"

#define HISTORY_MOST (64u << 20)
#define FIELDS 6
/* Bytes behind the end: for some 80 lines, or three of the longest. */
#define ROOM (16 * 1024)
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

static char *
read_field(const char *s, size_t len)
{
	struct buf b = BUF_INIT;
	size_t i;

	if (len == 1 && *s == '-')
		len = 0;
	for (i = 0; i < len; i++) {
		char c = read_escape(s + i, len - i);

		buf_addch(&b, c ? c : s[i]);
		i += c ? 3 : 0;
	}
	return buf_detach(&b);
}

static int
ends_torn(int fd)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return -1;
	return last != '\n';
}

/* Not every file system can, and none has to. */
static void
keep_room(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 &&
		(int64_t)st.st_blocks * 512 < st.st_size + ROOM / 2)
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, ROOM);
}

/* Appends a line that ends in LF: one write, then on disk. */
static int
append(const struct store *s, const struct buf *line)
{
	int fd = openat(s->own, "history",
		O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	int torn = fd < 0 ? -1 : ends_torn(fd);
	int rc = torn < 0 ? -1 : 0;

	/* What has a blank at its end is no event, whatever was lost. */
	if (torn > 0)
		rc = io_write_full(fd, " \n", 2);
	if (rc == 0)
		rc = io_write_full(fd, line->data, line->len);
	if (rc == 0) {
		keep_room(fd);
		rc = store_fsync(s, fd);
	}
	io_close(&fd);
	return rc;
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

int
history_append(const struct store *s, const char *name, const char *id,
	const char *from, const char *who, const char *text, struct error *err)
{
	struct buf line = BUF_INIT;
	int rc;

	history_line(&line, time(NULL), name, id, from, who, text);
	do {
		rc = append(s, &line);
	} while (rc < 0 && store_throw_ballast(s));
	if (rc < 0) {
		error_errno(err, "cannot write %s/.deployd/history", s->path);
		store_trouble(err);
	}
	buf_release(&line);
	return rc;
}

/* Six fields between single blanks; anything else is no event. */
static int
parse_event(const char *line, size_t len, struct event *e)
{
	char *f[FIELDS] = { NULL };
	size_t i, n;

	for (i = 0; i < FIELDS; i++) {
		const char *blank = memchr(line, ' ', len);

		n = blank ? (size_t)(blank - line) : len;
		if (n == 0 || (blank == NULL) != (i == FIELDS - 1))
			break;
		f[i] = read_field(line, n);
		n += blank != NULL;
		line += n;
		len -= n;
	}
	e->time = f[0] ? strtoll(f[0], NULL, 10) : 0;
	free(f[0]);
	e->name = f[1];
	e->id = f[2];
	e->from = f[3];
	e->who = f[4];
	e->text = f[5];
	return i == FIELDS ? 0 : -1;
}

static void
event_release(struct event *e)
{
	free(e->name);
	free(e->id);
	free(e->from);
	free(e->who);
	free(e->text);
}

int
history_text(const struct store *s, struct buf *text, struct error *err)
{
	int rc = beneath_read(s->own, "history", HISTORY_MOST, text, err);

	return rc < 0 && errno == ENOENT ? 0 : rc;
}

int
history_each(const struct store *s, history_fn *fn, void *arg,
	struct error *err)
{
	struct buf text = BUF_INIT;
	const char *p, *nl, *end;
	int stop = 0, rc = history_text(s, &text, err);

	p = buf_str(&text);
	for (end = p + (rc < 0 ? 0 : text.len); !stop && p < end; p = nl + 1) {
		struct event e;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		if (parse_event(p, (size_t)(nl - p), &e) == 0)
			stop = fn(&e, arg);
		event_release(&e);
	}
	buf_release(&text);
	return rc;
}

/* What was live, the latest last, with what rollbacks undid taken off. */
static int
follow(const struct event *e, void *arg)
{
	struct strv *stack = arg;

	if (!strcmp(e->name, "live")) {
		if (!stack->n || strcmp(stack->v[stack->n - 1], e->id))
			strv_add(stack, e->id);
	} else if (!strcmp(e->name, "rollback")) {
		size_t i = stack->n;

		while (i > 0 && strcmp(stack->v[i - 1], e->id))
			i--;
		while (stack->n > i && i > 0)
			free(stack->v[--stack->n]);
		if (i == 0)
			strv_add(stack, e->id);
	}
	return 0;
}

int
history_previous(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	char live[RELEASE_ID_LEN + 1];
	struct strv stack = STRV_INIT;
	size_t i;

	id[0] = '\0';
	if (store_current(s, live, err) < 0 ||
		history_each(s, follow, &stack, err) < 0) {
		strv_release(&stack);
		return -1;
	}
	i = stack.n;
	/* From where the current one stands, if it is known at all. */
	while (i > 0 && strcmp(stack.v[i - 1], live))
		i--;
	if (i == 0)
		i = stack.n + 1;
	for (i--; i > 0 && !*id; i--)
		if (strcmp(stack.v[i - 1], live) &&
			!store_lost_release(s, stack.v[i - 1]))
			snprintf(id, RELEASE_ID_LEN + 1, "%s", stack.v[i - 1]);
	strv_release(&stack);
	return 0;
}

static int
note_live(const struct event *e, void *arg)
{
	char *id = arg;
	const char *is = !strcmp(e->name, "live") ||
			!strcmp(e->name, "rollback") ?
		e->id :
		!strcmp(e->name, "reverted") ? e->from :
					       NULL;

	if (is)
		snprintf(id, RELEASE_ID_LEN + 1, "%s",
			path_is_release(is) ? is : "");
	return 0;
}

int
history_live(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	id[0] = '\0';
	return history_each(s, note_live, id, err);
}

/* The last switch and whether an outcome followed. */
struct unfinished {
	bool open;
	struct history_switch *w;
};

static void
begin_switch(struct history_switch *w, const struct event *e)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->id, sizeof(w->id), "%s", e->id);
	if (path_is_release(e->from))
		snprintf(w->from, sizeof(w->from), "%s", e->from);
	w->rollback = !strcmp(e->text, HISTORY_ROLLBACK);
}

static int
look_for_unfinished(const struct event *e, void *arg)
{
	struct unfinished *u = arg;

	if (!strcmp(e->name, "switching")) {
		u->open = path_is_release(e->id);
		if (u->open)
			begin_switch(u->w, e);
	} else if (!strcmp(e->name, "back") && u->open) {
		u->w->back = true;
		snprintf(u->w->why, sizeof(u->w->why), "%s", e->text);
	} else if (!strcmp(e->name, "live") || !strcmp(e->name, "rollback") ||
		!strcmp(e->name, "reverted") || !strcmp(e->name, "broken")) {
		u->open = false;
	}
	return 0;
}

int
history_unfinished(const struct store *s, struct history_switch *w,
	struct error *err)
{
	struct unfinished u = { false, w };

	if (history_each(s, look_for_unfinished, &u, err) < 0)
		return -1;
	return u.open;
}
