#include "wire/message.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define F(type, kind, key, member) \
	{ \
		key, MESSAGE_##kind, offsetof(struct type, member) \
	}
#define END \
	{ \
		NULL, MESSAGE_TEXT, 0 \
	}

const struct message_field msg_hello_fields[] = {
	F(msg_hello, NUMBER, "version", version),
	F(msg_hello, TEXT, "agent", agent),
	END,
};

const struct message_field msg_push_fields[] = {
	F(msg_push, TEXT, "app", app),
	F(msg_push, TEXT, "then", then),
	F(msg_push, TEXT, "tree", tree),
	F(msg_push, TEXT, "base", base),
	F(msg_push, TEXT, "settings", settings),
	F(msg_push, TEXT, "remote", remote),
	F(msg_push, TEXT, "user", user),
	F(msg_push, TEXT, "expect", expect),
	F(msg_push, NUMBER, "files", files),
	F(msg_push, NUMBER, "bytes", bytes),
	F(msg_push, NUMBER, "entries", entries),
	F(msg_push, NUMBER, "hooks", hooks),
	F(msg_push, NUMBER, "wait", wait),
	F(msg_push, NUMBER, "lanes", lanes),
	F(msg_push, FLAG, "force", force),
	F(msg_push, FLAG, "rebuild", rebuild),
	F(msg_push, FLAG, "no-cache", no_cache),
	F(msg_push, FLAG, "offer", offer),
	F(msg_push, TEXT, "git-commit", git_commit),
	F(msg_push, TEXT, "git-branch", git_branch),
	F(msg_push, TEXT, "git-subject", git_subject),
	F(msg_push, TEXT, "git-author", git_author),
	F(msg_push, TEXT, "git-remote", git_remote),
	F(msg_push, FLAG, "git-dirty", git_dirty),
	END,
};

const struct message_field msg_live_fields[] = {
	F(msg_live, TEXT, "release", release),
	F(msg_live, TEXT, "tree", tree),
	F(msg_live, TEXT, "settings", settings),
	F(msg_live, TEXT, "git-commit", git_commit),
	F(msg_live, TEXT, "git-subject", git_subject),
	F(msg_live, NUMBER, "files", files),
	END,
};

const struct message_field msg_send_fields[] = {
	F(msg_send, TEXT, "what", what),
	F(msg_send, TEXT, "reason", reason),
	END,
};

const struct message_field msg_stage_fields[] = {
	F(msg_stage, TEXT, "name", name),
	END,
};

const struct message_field msg_staged_fields[] = {
	F(msg_staged, TEXT, "release", release),
	END,
};

const struct message_field msg_need_end_fields[] = {
	F(msg_need_end, NUMBER, "files", files),
	F(msg_need_end, NUMBER, "bytes", bytes),
	F(msg_need_end, NUMBER, "reused", reused),
	F(msg_need_end, TEXT, "reason", reason),
	F(msg_need_end, TEXT, "token", token),
	END,
};

const struct message_field msg_put_fields[] = {
	F(msg_put, TEXT, "app", app),
	F(msg_put, TEXT, "token", token),
	END,
};

const struct message_field msg_ask_fields[] = {
	F(msg_ask, TEXT, "verb", verb),
	F(msg_ask, TEXT, "app", app),
	F(msg_ask, TEXT, "release", release),
	F(msg_ask, TEXT, "expect", expect),
	F(msg_ask, TEXT, "user", user),
	F(msg_ask, NUMBER, "wait", wait),
	F(msg_ask, NUMBER, "lines", lines),
	F(msg_ask, FLAG, "force", force),
	F(msg_ask, FLAG, "follow", follow),
	F(msg_ask, FLAG, "reveal", reveal),
	F(msg_ask, FLAG, "dry-run", dry_run),
	END,
};

const struct message_field msg_release_fields[] = {
	F(msg_release, TEXT, "id", id),
	F(msg_release, TEXT, "tree", tree),
	F(msg_release, TEXT, "previous", previous),
	F(msg_release, TEXT, "state", state),
	F(msg_release, FLAG, "live", live),
	F(msg_release, FLAG, "checked", checked),
	F(msg_release, FLAG, "pinned", pinned),
	F(msg_release, FLAG, "held", held),
	F(msg_release, NUMBER, "created", created),
	F(msg_release, NUMBER, "activated", activated),
	F(msg_release, NUMBER, "files", files),
	F(msg_release, NUMBER, "bytes", bytes),
	F(msg_release, TEXT, "by", by),
	F(msg_release, TEXT, "git-commit", git_commit),
	F(msg_release, TEXT, "git-branch", git_branch),
	F(msg_release, TEXT, "git-subject", git_subject),
	F(msg_release, FLAG, "git-dirty", git_dirty),
	F(msg_release, TEXT, "remote", remote),
	F(msg_release, TEXT, "reason", reason),
	END,
};

const struct message_field msg_status_fields[] = {
	F(msg_status, TEXT, "app", app),
	F(msg_status, FLAG, "exists", exists),
	F(msg_status, TEXT, "live", live),
	F(msg_status, TEXT, "previous", previous),
	F(msg_status, TEXT, "busy", busy),
	F(msg_status, TEXT, "cut-off", cut_off),
	F(msg_status, NUMBER, "releases", releases),
	F(msg_status, NUMBER, "free-bytes", free_bytes),
	F(msg_status, NUMBER, "total-bytes", total_bytes),
	F(msg_status, NUMBER, "releases-bytes", releases_bytes),
	F(msg_status, NUMBER, "next-bytes", next_bytes),
	F(msg_status, NUMBER, "shared-bytes", shared_bytes),
	F(msg_status, NUMBER, "cache-bytes", cache_bytes),
	F(msg_status, TEXT, "more", more),
	F(msg_status, TEXT, "version", version),
	F(msg_status, TEXT, "apps", apps),
	END,
};

const struct message_field msg_dropped_fields[] = {
	F(msg_dropped, TEXT, "release", release),
	F(msg_dropped, NUMBER, "bytes", bytes),
	F(msg_dropped, FLAG, "more", more),
	F(msg_dropped, FLAG, "spare", spare),
	END,
};

const struct message_field msg_fault_fields[] = {
	F(msg_fault, TEXT, "release", release),
	F(msg_fault, TEXT, "path", path),
	F(msg_fault, TEXT, "change", change),
	F(msg_fault, TEXT, "how", how),
	F(msg_fault, TEXT, "repair", repair),
	F(msg_fault, TEXT, "advice", advice),
	END,
};

const struct message_field msg_finding_fields[] = {
	F(msg_finding, TEXT, "name", name),
	F(msg_finding, TEXT, "state", state),
	F(msg_finding, TEXT, "text", text),
	END,
};

const struct message_field msg_result_fields[] = {
	F(msg_result, NUMBER, "status", status),
	F(msg_result, TEXT, "outcome", outcome),
	F(msg_result, TEXT, "release", release),
	F(msg_result, TEXT, "previous", previous),
	F(msg_result, TEXT, "live", live),
	F(msg_result, TEXT, "error", error),
	F(msg_result, TEXT, "hint", hint),
	F(msg_result, TEXT, "stage", stage),
	F(msg_result, TEXT, "kept", kept),
	F(msg_result, NUMBER, "files", files),
	F(msg_result, NUMBER, "reused", reused),
	F(msg_result, NUMBER, "bytes", bytes),
	F(msg_result, NUMBER, "code", code),
	F(msg_result, FLAG, "held", held),
	END,
};

/* How much of s is written: long ones are cut between characters. */
static size_t
value_length(const char *s)
{
	size_t len = strnlen(s, MESSAGE_VALUE_MOST), n = len;

	if (!s[len])
		return len;
	while (n && len - n < 3 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* A value's LF would end it; a blank says as much to a reader. */
static void
add_value(struct buf *out, const char *s)
{
	size_t len = value_length(s), i;

	for (i = 0; i < len; i++)
		buf_addch(out, s[i] == '\n' || s[i] == '\r' ? ' ' : s[i]);
}

void
message_write(const struct message_field *f, const void *msg, struct buf *out)
{
	for (; f->key; f++) {
		const void *p = (const char *)msg + f->offset;

		if (f->kind == MESSAGE_TEXT) {
			const char *const *s = p;

			if (!*s)
				continue;
			buf_addf(out, "%s ", f->key);
			add_value(out, *s);
			buf_addch(out, '\n');
		} else if (f->kind == MESSAGE_NUMBER) {
			if (*(const uint64_t *)p)
				buf_addf(out, "%s %" PRIu64 "\n", f->key,
					*(const uint64_t *)p);
		} else if (*(const bool *)p) {
			buf_addf(out, "%s yes\n", f->key);
		}
	}
}

/* Decimal without sign or leading zeros, within 63 bits. */
static int
read_number(const char *s, size_t len, uint64_t *out)
{
	size_t i;

	*out = 0;
	if (len == 0 || len > 19 || (len > 1 && s[0] == '0'))
		return -1;
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		*out = *out * 10 + (uint64_t)(s[i] - '0');
	}
	return *out > MESSAGE_NUMBER_MOST ? -1 : 0;
}

/* The peer's mistake: it breaks the conversation. */
static int
malformed(struct error *err, const char *what)
{
	return error_status(err, STATUS_TRANSFER, "a message with %s", what);
}

static int
read_value(const struct message_field *f, void *msg, const char *value,
	size_t len, struct error *err)
{
	void *p = (char *)msg + f->offset;

	if (f->kind == MESSAGE_TEXT) {
		if (len > MESSAGE_VALUE_MOST)
			return malformed(err, "an overlong value");
		*(char **)p = mem_strndup(value, len);
	} else if (f->kind == MESSAGE_NUMBER) {
		if (read_number(value, len, p) < 0)
			return malformed(err, "a bad number");
	} else {
		if (len != 3 || memcmp(value, "yes", 3) != 0)
			return malformed(err, "a bad flag");
		*(bool *)p = true;
	}
	return 0;
}

/* *seen has a bit for each key that has come, by its place in the table. */
static int
read_line(const struct message_field *f, uint64_t *seen, void *msg,
	const char *line, size_t len, struct error *err)
{
	const char *space = memchr(line, ' ', len);
	size_t key = space ? (size_t)(space - line) : 0;
	uint64_t bit = 1;

	if (key == 0)
		return malformed(err, "a malformed line");
	for (; f->key; f++, bit <<= 1) {
		if (strlen(f->key) != key || memcmp(f->key, line, key) != 0)
			continue;
		if (*seen & bit)
			return error_status(err, STATUS_TRANSFER,
				"a message in which %s stands twice", f->key);
		*seen |= bit;
		return read_value(f, msg, space + 1, len - key - 1, err);
	}
	return 0;
}

int
message_read(const struct message_field *fields, const char *data, size_t len,
	void *msg, struct error *err)
{
	uint64_t seen = 0;

	if (len && memchr(data, '\0', len))
		return malformed(err, "a NUL byte");
	while (len) {
		const char *nl = memchr(data, '\n', len);
		size_t n;

		if (!nl)
			return malformed(err, "an unfinished line");
		n = (size_t)(nl - data);
		if (read_line(fields, &seen, msg, data, n, err) < 0)
			return -1;
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

void
message_release(const struct message_field *f, void *msg)
{
	for (; f->key; f++) {
		void *p = (char *)msg + f->offset;

		if (f->kind == MESSAGE_TEXT) {
			free(*(char **)p);
			*(char **)p = NULL;
		} else if (f->kind == MESSAGE_NUMBER) {
			*(uint64_t *)p = 0;
		} else {
			*(bool *)p = false;
		}
	}
}

void
message_send(struct channel *c, const char *type,
	const struct message_field *fields, const void *msg)
{
	struct buf b = BUF_INIT;

	message_write(fields, msg, &b);
	channel_send(c, type, buf_str(&b), b.len);
	buf_release(&b);
}

enum push_then
push_then_parse(const char *word)
{
	static const char *const words[] = { "activate", "build", "hold",
		"compare" };
	size_t i;

	for (i = 0; word && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return (enum push_then)i;
	return (enum push_then) - 1;
}

void
result_from_error(struct msg_result *r, const struct error *err)
{
	r->status = (uint64_t)err->status;
	r->outcome = mem_strdup("failed");
	r->error = mem_strdup(err->text);
	if (err->hint[0])
		r->hint = mem_strdup(err->hint);
}

void
result_to_error(const struct msg_result *r, struct error *err)
{
	bool ours = (r->status >= STATUS_LOCAL &&
			    r->status <= STATUS_PARTIAL) ||
		r->status == STATUS_INT || r->status == STATUS_TERM;
	bool said = r->error && *r->error;

	error_status(err, ours ? (enum status)r->status : STATUS_TRANSFER, "%s",
		said ? r->error : "the server gave no reason");
	if (r->hint)
		error_hint(err, "%s", r->hint);
}

void
ranges_add(struct ranges *r, uint32_t line)
{
	assert(r->n == 0 || line > r->v[r->n - 1].last);
	if (r->n && r->v[r->n - 1].last + 1 == line) {
		r->v[r->n - 1].last = line;
		return;
	}
	MEM_GROW(r->v, r->n, r->cap);
	r->v[r->n++] = (struct range){ line, line };
}

uint64_t
ranges_count(const struct ranges *r)
{
	uint64_t lines = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		lines += (uint64_t)r->v[i].last - r->v[i].first + 1;
	return lines;
}

bool
ranges_has(const struct ranges *r, uint32_t line)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].last < line)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && r->v[low].first <= line;
}

bool
ranges_next(const struct ranges *r, struct ranges_cursor *at, uint32_t *line)
{
	if (at->i == r->n)
		return false;
	*line = at->next ? at->next : r->v[at->i].first;
	at->next = *line + 1;
	if (*line == r->v[at->i].last) {
		at->next = 0;
		at->i++;
	}
	return true;
}

void
ranges_release(struct ranges *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

void
ranges_send(struct channel *c, const char *type, const struct ranges *r)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (r->v[i].first == r->v[i].last)
			buf_addf(&b, "%" PRIu32 "\n", r->v[i].first);
		else
			buf_addf(&b, "%" PRIu32 "-%" PRIu32 "\n", r->v[i].first,
				r->v[i].last);
		if (b.len > FRAME_MOST - 64 || i + 1 == r->n) {
			channel_send(c, type, b.data, b.len);
			buf_clear(&b);
		}
	}
	buf_release(&b);
}

/* One line number of at most 10 digits at *s, moved behind it. */
static int
read_line_number(const char **s, const char *end, uint32_t *out)
{
	const char *start = *s;
	uint64_t n;

	while (*s < end && isdigit((unsigned char)**s))
		++*s;
	if (*s - start > 10 ||
		read_number(start, (size_t)(*s - start), &n) < 0 || n == 0 ||
		n > UINT32_MAX)
		return -1;
	*out = (uint32_t)n;
	return 0;
}

int
ranges_read(struct ranges *r, const char *data, size_t len, uint32_t most,
	struct error *err)
{
	const char *end = data + len;

	while (data < end) {
		struct range g;

		if (read_line_number(&data, end, &g.first) < 0)
			goto bad;
		g.last = g.first;
		if (data < end && *data == '-') {
			data++;
			if (read_line_number(&data, end, &g.last) < 0)
				goto bad;
		}
		if (data == end || *data++ != '\n' || g.last < g.first ||
			g.last > most ||
			(r->n && g.first <= r->v[r->n - 1].last))
			goto bad;
		MEM_GROW(r->v, r->n, r->cap);
		r->v[r->n++] = g;
	}
	return 0;
bad:
	return malformed(err, "malformed line ranges");
}
