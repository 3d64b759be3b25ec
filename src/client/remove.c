/* The verb remove: takes an app from the server, once its name was typed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/verbs.h"

#define ANSWER_MOST 128

/* A line from the terminal, one byte at a time, without what ends it. */
static int
read_answer(int fd, char answer[static ANSWER_MOST], struct error *err)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (signals_caught())
			return signals_error(err,
				"interrupted; nothing was removed");
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err,
				"cannot read from the terminal");
		if (got == 0 || c == '\n' || c == '\r')
			break;
		if (n + 1 < ANSWER_MOST)
			answer[n++] = c;
	}
	answer[n] = '\0';
	return 0;
}

static int
ask_for_name(const struct target *t, struct error *err)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char answer[ANSWER_MOST];
	struct buf b = BUF_INIT;
	int rc;

	if (fd < 0) {
		error_status(err, STATUS_USAGE,
			"remove asks for the app's name, and there is no "
			"terminal to ask on");
		return error_hint(err, "say it with --confirm=%s", t->app);
	}
	buf_addf(&b,
		"This removes %s with all its releases, shared files and env.\n"
		"Type the app's name to go on: ",
		t->text);
	(void)io_write_full(fd, b.data, b.len);
	buf_release(&b);
	rc = read_answer(fd, answer, err);
	io_close(&fd);
	if (rc == 0 && strcmp(answer, t->app))
		rc = error_set(err, "that is not %s: nothing was removed",
			t->app);
	return rc;
}

static int
confirm(struct ask *a, struct error *err)
{
	const char *name = a->options->confirm;
	struct strv *words = a->arg;
	int rc = 0;

	if (!name)
		rc = ask_for_name(a->target, err);
	else if (strcmp(name, a->target->app))
		rc = error_status(err, STATUS_USAGE,
			"--confirm=%s, but the app is %s: nothing was removed",
			name, a->target->app);
	if (rc < 0)
		return -1;
	strv_add(words, a->target->app);
	if (a->options->no_keep)
		strv_add(words, "no-keep");
	return 0;
}

static void
removed(struct ask *a, const struct msg_result *r)
{
	report_event("removed", "target", "s", a->target->text, "kept", "s",
		r->kept, NULL);
	if (r->kept)
		log_info("removed %s; its env, shared files and history are "
			 "in %s on the server",
			a->target->text, r->kept);
	else
		log_info("removed %s; nothing of it was kept", a->target->text);
}

int
verb_remove(struct options *o, struct error *err)
{
	struct strv words = STRV_INIT;
	struct ask a = { .verb = "remove",
		.changes = true,
		.aside = true,
		.own_words = true,
		.single = true,
		.words = &words,
		.begin = confirm,
		.done = removed,
		.arg = &words };
	int rc = ask_run(&a, o, err);

	strv_release(&words);
	return rc;
}
