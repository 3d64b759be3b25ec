/* Writing env files: one variable changes, all else stays. */
#include "env.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

#define OURS "DEPLOY_"

/* What systemd takes for text: no characters that Unicode has none for. */
static bool
is_text(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t c;

	for (; len; s += n, len -= n) {
		n = utf8_decode(s, len, &c);
		if (n == 0 || (c >= 0xfdd0 && c <= 0xfdef) ||
			(c & 0xfffe) == 0xfffe)
			return false;
	}
	return true;
}

int
env_check(const char *pair, struct error *err)
{
	int len = (int)env_name_length(pair);

	if (!pair[len] || !env_is_name(pair, (size_t)len)) {
		error_status(err, STATUS_REFUSED,
			"not a variable's name: letters, digits and _, and no "
			"digit at its beginning");
		return -1;
	}
	if (!strncmp(pair, OURS, strlen(OURS)))
		return error_status(err, STATUS_REFUSED,
			"%.*s: names that begin with " OURS
			" are deployd's own",
			len, pair);
	if (is_text(pair))
		return 0;
	error_status(err, STATUS_REFUSED,
		"%.*s: its value is not text (UTF-8), and systemd would read "
		"no variable of such a file",
		len, pair);
	return error_hint(err, "encode it, with base64 for one");
}

static bool
is_plain(const char *value)
{
	for (; *value; value++)
		if (!isalnum((unsigned char)*value) &&
			!strchr("_@%+:,./=-", *value))
			return false;
	return true;
}

void
env_write(const char *pair, struct buf *out)
{
	size_t len = env_name_length(pair) + 1;
	const char *value = pair + len;

	buf_add(out, pair, len);
	if (is_plain(value)) {
		buf_addf(out, "%s\n", value);
		return;
	}
	buf_addch(out, '"');
	for (; *value; value++) {
		if (strchr("\"\\`$", *value))
			buf_addch(out, '\\');
		buf_addch(out, *value);
	}
	buf_addstr(out, "\"\n");
}

struct edit {
	const struct strv *changes;
	bool *made;
	struct buf *out;
};

/* A variable of the file: as it is, as it shall be, or not at all. */
static void
edit_pair(struct edit *e, const struct env_item *item)
{
	const char *pair = item->pair.data;
	size_t len = env_name_length(pair), i;

	for (i = 0; i < e->changes->n; i++)
		if (env_name_length(e->changes->v[i]) == len &&
			!strncmp(e->changes->v[i], pair, len))
			break;
	if (i == e->changes->n ||
		(!e->made[i] && !strcmp(e->changes->v[i], pair)))
		buf_add(e->out, item->at, item->len);
	else if (!e->made[i] && e->changes->v[i][len])
		env_write(e->changes->v[i], e->out);
	if (i < e->changes->n)
		e->made[i] = true;
}

/* What is added must not become part of a last line. */
static void
end_line(struct buf *out)
{
	size_t n = 0;

	if (out->len == 0)
		return;
	if (out->data[out->len - 1] != '\n') {
		n = out->data[out->len - 1] == '\\';
		buf_addch(out, '\n');
	} else if (out->len > 1) {
		n = out->data[out->len - 2] == '\\';
	}
	if (n)
		buf_addch(out, '\n');
}

static void
append(struct edit *e)
{
	size_t i;

	for (i = 0; i < e->changes->n; i++) {
		const char *pair = e->changes->v[i];

		if (e->made[i] || !pair[env_name_length(pair)])
			continue;
		end_line(e->out);
		env_write(pair, e->out);
	}
}

int
env_edit(const char *name, const char *text, size_t len,
	const struct strv *changes, struct buf *out, struct error *err)
{
	struct env_reader r = { text, text + len, 1, false };
	struct env_item item = { 0 };
	struct edit e = { changes, mem_zalloc(changes->n + 1, sizeof(bool)),
		out };
	int rc = 0;

	if (len && memchr(text, '\0', len))
		rc = error_set(err, "%s: a NUL byte", name);
	while (rc == 0 && env_next(&r, &item)) {
		if (item.open)
			rc = error_set(err, "%s:%d: a quote is not closed",
				name, item.line);
		else if (item.kind == ENV_PAIR)
			edit_pair(&e, &item);
		else
			buf_add(out, item.at, item.len);
	}
	if (rc == 0)
		append(&e);
	free(e.made);
	buf_release(&item.pair);
	return rc;
}
