/* Reading env files.  The states are those of systemd's env-file.c. */
#include "env.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* The bytes for which a backslash in double quotes stands. */
#define ESCAPED "\"\\`$"

static bool
is_newline(char c)
{
	return c == '\n' || c == '\r';
}

bool
env_is_name(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return len > 0 && !isdigit((unsigned char)*name);
}

/* Behind a backslash in double quotes. */
static void
add_escaped(char c, struct buf *value)
{
	if (c == '\n')
		return;
	if (!c || !strchr(ESCAPED, c))
		buf_addch(value, '\\');
	buf_addch(value, c);
}

static void
read_quoted(struct env_reader *r, struct env_item *item)
{
	char quote = *r->p++;

	while (r->p < r->end && *r->p != quote) {
		char c = *r->p++;

		if (c != '\\' || quote == '\'')
			buf_addch(&item->pair, c);
		else if (r->p < r->end)
			add_escaped(*r->p++, &item->pair);
	}
	item->open = r->p == r->end;
	r->p += !item->open;
}

/* Up to the newline; blanks at the end of what is not quoted go. */
static void
read_value(struct env_reader *r, struct env_item *item)
{
	size_t solid = item->pair.len;
	bool begin = true, blank = false;

	while (r->p < r->end && !is_newline(*r->p)) {
		char c = *r->p;

		if (begin && (c == '"' || c == '\'')) {
			read_quoted(r, item);
			solid = item->pair.len;
			continue;
		}
		r->p++;
		if (c == '\\') {
			if (r->p < r->end && !is_newline(*r->p))
				buf_addch(&item->pair, *r->p);
			r->p += r->p < r->end;
			solid = item->pair.len;
			begin = blank = false;
			continue;
		}
		item->hash |= c == '#' && blank;
		blank = isblank((unsigned char)c);
		if (begin && blank)
			continue;
		begin = false;
		buf_addch(&item->pair, c);
		if (!blank)
			solid = item->pair.len;
	}
	buf_truncate(&item->pair, solid);
}

static void
skip_newline(struct env_reader *r)
{
	if (r->p < r->end && *r->p == '\r')
		r->p++;
	if (r->p < r->end && *r->p == '\n')
		r->p++;
}

/* NAME and what is around it; false: it is none. */
static bool
take_name(const struct env_reader *r, const char *at, size_t len,
	struct buf *pair)
{
	while (len && isblank((unsigned char)at[len - 1]))
		len--;
	if (r->dotenv && len > 7 && !strncmp(at, "export ", 7)) {
		at += 7;
		len -= 7;
		for (; len && isblank((unsigned char)*at); len--)
			at++;
	}
	if (!env_is_name(at, len))
		return false;
	buf_add(pair, at, len);
	buf_addch(pair, '=');
	return true;
}

static void
read_pair(struct env_reader *r, struct env_item *item)
{
	const char *name = r->p;

	item->kind = ENV_UNKNOWN;
	while (r->p < r->end && !is_newline(*r->p) && *r->p != '=')
		r->p++;
	if (r->p < r->end && *r->p == '=') {
		if (take_name(r, name, (size_t)(r->p - name), &item->pair))
			item->kind = ENV_PAIR;
		r->p++;
		read_value(r, item);
	}
	skip_newline(r);
}

static void
read_comment(struct env_reader *r)
{
	while (r->p < r->end && !is_newline(*r->p)) {
		r->p += *r->p == '\\' && r->p + 1 < r->end;
		r->p++;
	}
	skip_newline(r);
}

bool
env_next(struct env_reader *r, struct env_item *item)
{
	const char *p;

	buf_clear(&item->pair);
	item->kind = ENV_REST;
	item->open = item->hash = false;
	item->at = r->p;
	item->line = r->line;
	if (r->p == r->end)
		return false;
	if (*r->p == '#' || *r->p == ';') {
		read_comment(r);
	} else if (isblank((unsigned char)*r->p) || is_newline(*r->p)) {
		while (r->p < r->end &&
			(isblank((unsigned char)*r->p) || is_newline(*r->p)))
			r->p++;
	} else {
		read_pair(r, item);
	}
	item->len = (size_t)(r->p - item->at);
	for (p = item->at; p < r->p; p++)
		r->line += *p == '\n';
	return true;
}

size_t
env_name_length(const char *pair)
{
	return strcspn(pair, "=");
}

static size_t
find(const struct strv *env, const char *name, size_t len)
{
	size_t i = 0;

	while (i < env->n &&
		(env_name_length(env->v[i]) != len ||
			strncmp(env->v[i], name, len)))
		i++;
	return i;
}

const char *
env_find(const struct strv *env, const char *name, size_t len)
{
	size_t i = find(env, name, len);

	return i < env->n ? env->v[i] : NULL;
}

void
env_put(struct strv *env, const char *pair)
{
	size_t i = find(env, pair, env_name_length(pair));

	if (i == env->n) {
		strv_add(env, pair);
		return;
	}
	free(env->v[i]);
	env->v[i] = mem_strdup(pair);
}

void
env_read(const char *text, size_t len, struct strv *env)
{
	struct env_reader r = { text, text + len, 1, false };
	struct env_item item = { 0 };

	while (env_next(&r, &item))
		if (item.kind == ENV_PAIR &&
			strlen(item.pair.data) == item.pair.len)
			env_put(env, item.pair.data);
	buf_release(&item.pair);
}

/* Why it is no variable, or NULL. */
static const char *
fault(const struct env_item *item)
{
	if (item->open)
		return "a quote is not closed";
	if (item->kind == ENV_UNKNOWN)
		return "expected NAME=value";
	if (item->kind == ENV_PAIR && strlen(item->pair.data) < item->pair.len)
		return "a NUL byte";
	return NULL;
}

int
env_parse(const char *name, const char *text, size_t len, struct strv *env,
	struct error *err)
{
	struct env_reader r = { text, text + len, 1, false };
	struct env_item item = { 0 };
	int rc = 0;

	while (rc == 0 && env_next(&r, &item)) {
		const char *why = fault(&item);

		if (why)
			rc = error_set(err, "%s:%d: %s", name, item.line, why);
		else if (item.kind == ENV_PAIR)
			env_put(env, item.pair.data);
	}
	buf_release(&item.pair);
	return rc;
}
