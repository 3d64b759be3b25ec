/*
 * The verb run: a command in the live release, with the environment of hooks.
 *
 *	client  words, input ... input-end    at most RUN_CREDIT inputs
 *	server  more                          one of them was used up
 *	server  output, .log                  its output and its errors
 *
 * Because of the credit all that comes can be taken at once, and an abort is
 * never stuck behind input that the command does not read.
 */
#include "server/query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "server/run.h"

#define FULL_MS 100

struct job {
	struct session *s;
	struct buf input; /* not written yet */
	int in;           /* where to, or -1: it reads no more */
	int owed;         /* frames of which `more' was not said */
	bool ended;       /* there is no more input */
	struct error err;
};

static void
send_as(struct job *j, const char *type, const char *data, size_t len)
{
	while (len) {
		size_t n = len > FRAME_MOST ? FRAME_MOST : len;

		channel_send(&j->s->client, type, data, n);
		data += n;
		len -= n;
	}
}

static void
send_output(void *arg, const char *data, size_t len)
{
	send_as(arg, "output", data, len);
}

static void
send_errors(void *arg, const char *data, size_t len)
{
	send_as(arg, ".log", data, len);
}

static int
take_input(struct job *j, const struct frame *f)
{
	if (!strcmp(f->type, "input-end") && !j->ended) {
		j->ended = true;
		return 0;
	}
	if (strcmp(f->type, "input") || j->ended || j->owed == RUN_CREDIT)
		return error_status(&j->err, STATUS_TRANSFER,
			"an unexpected %s frame", f->type);
	j->owed++;
	if (j->in >= 0)
		buf_add(&j->input, f->data, f->len);
	return 0;
}

static void
write_input(struct job *j)
{
	if (io_write_some(j->in, &j->input, SIZE_MAX) == 0 || errno == EAGAIN ||
		errno == EINTR)
		return;
	/* It has ended, or reads no more: not our affair. */
	io_close(&j->in);
	buf_clear(&j->input);
}

static void
settle_input(struct job *j)
{
	if (j->input.len)
		return;
	for (; j->owed > 0; j->owed--)
		channel_send(&j->s->client, "more", "", 0);
	if (j->ended)
		io_close(&j->in);
}

static int
take_frames(struct job *j)
{
	struct frame f;
	int rc;

	while ((rc = session_poll_frame(j->s, &f, &j->err)) > 0)
		if (take_input(j, &f) < 0)
			return -1;
	settle_input(j);
	return rc;
}

/* As a hook's, with input besides. */
static int
wait_for(void *arg, struct pollfd *fds, int n, int timeout)
{
	struct job *j = arg;
	struct pollfd p[4];
	int i, rc;

	if (session_full(j->s)) {
		n = 0;
		timeout = timeout < FULL_MS ? timeout : FULL_MS;
	}
	for (i = 0; i < n && i < 3; i++)
		p[i] = fds[i];
	n = i;
	p[n] = (struct pollfd){ j->input.len ? j->in : -1, POLLOUT, 0 };
	rc = session_turn(j->s, p, n + 1, timeout, &j->err);
	if (rc < 0)
		return -1;
	for (i = 0; i < n; i++)
		fds[i].revents = p[i].revents;
	if (p[n].revents)
		write_input(j);
	return take_frames(j) < 0 ? -1 : rc;
}

static int
judge(struct query *q, struct job *j, enum hook_outcome how, int status,
	int number)
{
	if (how == HOOK_CANCELLED) {
		*q->err = j->err;
		return -1;
	}
	/* As a shell has it. */
	if (how == HOOK_FAILED) {
		status = number == ENOENT ? 127 : 126;
		send_errors(j, q->err->text, strlen(q->err->text));
		send_errors(j, "\n", 1);
	}
	q->result->code = (uint64_t)status;
	q->result->outcome = mem_strdup("ran");
	return 0;
}

static int
run(struct query *q, const struct strv *words, const struct subject *x)
{
	struct job j = { .s = q->s, .in = -1, .err = ERROR_INIT };
	struct hook_host host = { send_output, wait_for, &j,
		q->s->config->umask, send_errors };
	struct run_place at = surroundings_place(&x->around, &host);
	struct run_options o = RUN_OPTIONS_INIT;
	enum hook_outcome how;
	int fds[2], status = 0, rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(q->err, "pipe");
	j.in = fds[1];
	(void)io_nonblock(j.in);
	o.argv = (const char *const *)words->v;
	o.in = fds[0];
	how = run_program(&o, &at, &status, q->err);
	rc = judge(q, &j, how, status, errno);
	io_close(&fds[0]);
	io_close(&j.in);
	buf_release(&j.input);
	return rc;
}

/* Before it runs: what it did shall not go unrecorded. */
static int
note(struct query *q, const struct strv *words, const char *live)
{
	struct buf text = BUF_INIT;
	size_t i;
	int rc;

	for (i = 0; i < words->n; i++)
		buf_addf(&text, "%s%s", i ? " " : "", words->v[i]);
	rc = history_append(&q->s->store, "run", live, "",
		session_who(q->s, q->ask.user), buf_str(&text), q->err);
	buf_release(&text);
	return rc;
}

/* Where the admin chose the commands, a client does not. */
static int
check_allowed(struct query *q)
{
	if (query_hooks_run(q) < 0)
		return -1;
	if (config_hooks(q->s->config, q->ask.app) == HOOKS_TREE)
		return 0;
	return error_status(q->err, STATUS_REFUSED,
		"the server's admin has set hooks = server for %s: no commands "
		"but those run there",
		q->ask.app);
}

static int
run_in_live(struct query *q, const struct strv *words)
{
	char live[RELEASE_ID_LEN + 1];
	struct subject x;
	int rc;

	if (words->n == 0)
		return error_status(q->err, STATUS_USAGE,
			"run needs a command");
	if (query_live(q, live) < 0 || query_load(q, live, &x) < 0)
		return -1;
	rc = note(q, words, live);
	if (rc == 0)
		rc = run(q, words, &x);
	subject_release(&x);
	return rc;
}

int
query_run(struct query *q)
{
	struct strv words = STRV_INIT;
	int rc = check_allowed(q);

	if (rc == 0)
		rc = query_words(q, &words);
	if (rc == 0)
		rc = run_in_live(q, &words);
	strv_release(&words);
	return rc;
}
