#include "client/values.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "client/signals.h"

/* Wiped, since it may hold what is nobody else's business. */
static void
release(struct buf *b)
{
	if (b->len)
		explicit_bzero(b->data, b->len);
	buf_release(b);
}

static int
read_all(int fd, const char *name, struct buf *text, struct error *err)
{
	ssize_t n;

	do {
		n = io_read_some(fd, text, 65536);
		if (n < 0 && signals_caught())
			return signals_error(err, "interrupted");
	} while (n > 0 && text->len <= ENV_MOST);
	if (n < 0)
		return error_errno(err, "cannot read %s", name);
	if (text->len > ENV_MOST)
		return error_set(err, "%s has more than 65,536 bytes", name);
	return 0;
}

static int
add(const char *name, const char *value, struct strv *pairs, struct error *err)
{
	struct buf pair = BUF_INIT;
	int rc;

	buf_addf(&pair, "%s=%s", name, value);
	rc = env_check(pair.data, err);
	if (rc < 0)
		err->status = STATUS_LOCAL;
	else
		env_put(pairs, pair.data);
	release(&pair);
	return rc;
}

static int
take_input(const char *name, struct strv *pairs, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = read_all(STDIN_FILENO, "standard input", &text, err);

	if (rc == 0 && text.len == 0) {
		/* A command in front of us that failed says nothing. */
		error_set(err, "nothing came from standard input for %s", name);
		rc = error_hint(err,
			"an empty value is an empty line: echo | deploy env "
			"set %s",
			name);
	} else if (rc == 0 && memchr(text.data, '\0', text.len)) {
		rc = error_set(err, "the value of %s has a NUL byte", name);
	}
	if (rc == 0 && text.data[text.len - 1] == '\n')
		buf_truncate(&text, text.len - 1);
	if (rc == 0)
		rc = add(name, text.data, pairs, err);
	release(&text);
	return rc;
}

static int
ask(const char *name, const char *whose, struct strv *pairs, struct error *err)
{
	char value[TERMINAL_LINE_MOST + 1];
	struct buf question = BUF_INIT;
	int rc;

	buf_addf(&question, "%s for %s (hidden): ", name, whose);
	rc = terminal_ask(question.data, true, NULL, value, sizeof(value));
	buf_release(&question);
	if (signals_caught())
		return signals_error(err, "interrupted; nothing was changed");
	if (rc < 0 || !*value) {
		error_set(err, "nothing was typed for %s; nothing was changed",
			name);
		return error_hint(err,
			"an empty value: echo | deploy env set %s", name);
	}
	if (strlen(value) == TERMINAL_LINE_MOST) {
		error_set(err, "the value of %s is too long to be typed", name);
		rc = error_hint(err, "deploy env set %s <FILE", name);
	}
	if (rc == 0)
		rc = add(name, value, pairs, err);
	explicit_bzero(value, sizeof(value));
	return rc;
}

int
values_ask(const struct strv *names, const char *whose, struct strv *pairs,
	struct error *err)
{
	size_t i;

	if (!isatty(STDIN_FILENO)) {
		if (names->n == 1)
			return take_input(names->v[0], pairs, err);
		error_status(err, STATUS_USAGE,
			"standard input has the value of one name, and there "
			"are %zu",
			names->n);
		return error_hint(err,
			"deploy env import - takes NAME=value lines");
	}
	if (!terminal_possible())
		return error_set(err, "there is no terminal to ask on");
	for (i = 0; i < names->n; i++)
		if (ask(names->v[i], whose, pairs, err) < 0)
			return -1;
	return 0;
}

/* `#' behind a value begins a comment for others, not for systemd. */
static void
warn_of_hash(const char *file, const struct env_item *item)
{
	if (item->hash)
		log_warn("%s:%d: what follows the # becomes a part of %.*s; "
			 "comments have lines of their own",
			file, item->line, (int)env_name_length(item->pair.data),
			item->pair.data);
}

static int
take_item(const char *file, const struct env_item *item, struct strv *pairs,
	struct error *err)
{
	int rc;

	if (item->open)
		return error_set(err, "%s:%d: a quote is not closed", file,
			item->line);
	if (item->kind == ENV_UNKNOWN)
		return error_set(err, "%s:%d: expected NAME=value", file,
			item->line);
	if (item->kind != ENV_PAIR)
		return 0;
	if (strlen(item->pair.data) < item->pair.len)
		return error_set(err, "%s:%d: a NUL byte", file, item->line);
	warn_of_hash(file, item);
	rc = env_check(item->pair.data, err);
	if (rc == 0)
		env_put(pairs, item->pair.data);
	else
		error_prefix(err, "%s:%d: ", file, item->line);
	return rc;
}

static int
take_text(const char *file, const struct buf *text, struct strv *pairs,
	struct error *err)
{
	struct env_reader r = { buf_str(text), buf_str(text) + text->len, 1,
		true };
	struct env_item item = { 0 };
	int rc = 0;

	while (rc == 0 && env_next(&r, &item))
		rc = take_item(file, &item, pairs, err);
	release(&item.pair);
	if (rc == 0 && pairs->n == 0)
		rc = error_set(err, "%s has no variables", file);
	if (rc < 0)
		err->status = STATUS_LOCAL;
	return rc;
}

int
values_import(const char *file, struct strv *pairs, struct error *err)
{
	bool input = !strcmp(file, "-");
	const char *name = input ? "standard input" : file;
	int fd = input ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	struct buf text = BUF_INIT;
	int rc;

	if (fd < 0)
		return error_errno(err, "cannot open %s", file);
	rc = read_all(fd, name, &text, err);
	if (rc == 0)
		rc = take_text(name, &text, pairs, err);
	release(&text);
	if (!input)
		io_close(&fd);
	return rc;
}
