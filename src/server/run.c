#include "server/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "server/keeper.h"

#define READ_SIZE 32768
/* What a program that has ended may have left in a pipe. */
#define DRAIN_MOST (1 << 20)
#define SAID_MOST 65536

/* One that runs; out[1] is its standard error, if that goes apart. */
struct run {
	const struct run_options *o;
	const struct hook_host *host;
	struct keeper keeper;
	int out[2];
	int status; /* when it has ended */
};

void
run_say(const struct hook_host *host, const char *text)
{
	host->output(host->arg, text, strlen(text));
}

void
run_echo(const struct hook_host *host, const char *const *argv)
{
	struct buf b = BUF_INIT;

	buf_addch(&b, '+');
	for (; *argv; argv++)
		buf_addf(&b, " %s", *argv);
	buf_addch(&b, '\n');
	host->output(host->arg, b.data, b.len);
	buf_release(&b);
}

int64_t
run_deadline(long seconds)
{
	return seconds ? io_now_ms() + seconds * 1000 : 0;
}

int
run_pause(const struct hook_host *host, int64_t ms)
{
	int64_t end = io_now_ms() + ms;

	while (io_now_ms() < end)
		if (host->wait(host->arg, NULL, 0, (int)(end - io_now_ms())) <
			0)
			return -1;
	return 0;
}

static int
open_pipes(struct run *r, int ends[static 2], struct error *err)
{
	int i, fds[2], n = r->host->errors ? 2 : 1;

	for (i = 0; i < n; i++) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return error_errno(err, "pipe");
		r->out[i] = fds[0];
		ends[i] = fds[1];
		(void)io_nonblock(r->out[i]);
	}
	return 0;
}

static int
start(struct run *r, const struct run_place *at, struct error *err)
{
	const struct store *s = at->store;
	const int locks[] = { s->lock, s->switch_lock, s->next_lock };
	struct process_options o = PROCESS_OPTIONS_INIT;
	int ends[2] = { -1, -1 }, rc = -1;

	if (open_pipes(r, ends, err) == 0) {
		o.argv = r->o->argv;
		o.body = r->o->body;
		o.arg = r->o->arg;
		o.envp = at->env->v;
		o.cwd = at->cwd;
		o.fence = at->fence;
		o.fds[0] = r->o->in;
		o.fds[1] = ends[0];
		o.fds[2] = ends[1] < 0 ? ends[0] : ends[1];
		o.group = o.with_us = true;
		rc = keeper_start(&r->keeper, &o, r->host->umask, locks, 3,
			err);
	}
	io_close(&ends[0]);
	io_close(&ends[1]);
	return rc;
}

static void
collect(struct buf *said, const char *data, size_t len)
{
	size_t room = said->len < SAID_MOST ? SAID_MOST - said->len : 0;

	buf_add(said, data, len < room ? len : room);
}

static void
deliver(struct run *r, int which, const char *data, size_t len)
{
	const struct hook_host *h = r->host;

	if (r->o->said)
		collect(r->o->said, data, len);
	if (r->o->silent)
		return;
	if (which)
		h->errors(h->arg, data, len);
	else
		h->output(h->arg, data, len);
}

/* Reads what is there: -1 at the end, else the bytes. */
static ssize_t
pass_output(struct run *r, int which)
{
	char data[READ_SIZE];
	ssize_t n = read(r->out[which], data, sizeof(data));

	if (n > 0)
		deliver(r, which, data, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		io_close(&r->out[which]);
	return n > 0 ? n : -1;
}

static void
drain(struct run *r, int which)
{
	size_t most = DRAIN_MOST;
	ssize_t n;

	while (most && r->out[which] >= 0 && (n = pass_output(r, which)) > 0)
		most -= (size_t)n < most ? (size_t)n : most;
}

static int
time_left(const struct run *r)
{
	int64_t left = r->o->end ? r->o->end - io_now_ms() : 1000;

	return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

/* What is waited for: its output, its errors, its end. */
static void
fill(const struct run *r, struct pollfd fds[static 3])
{
	fds[0] = (struct pollfd){ r->out[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ r->out[1], POLLIN, 0 };
	fds[2] = (struct pollfd){ r->keeper.fd, POLLIN, 0 };
}

static void
pass_what_came(struct run *r, const struct pollfd fds[static 2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (r->out[i] >= 0 && fds[i].revents)
			(void)pass_output(r, i);
}

/* Until it ends, the deadline passes or the host cancels. */
static enum hook_outcome
watch(struct run *r)
{
	struct pollfd fds[3];

	while (!keeper_ended(&r->keeper, &r->status)) {
		if (r->o->end && io_now_ms() >= r->o->end)
			return HOOK_TIMEOUT;
		fill(r, fds);
		if (r->host->wait(r->host->arg, fds, 3, time_left(r)) < 0)
			return HOOK_CANCELLED;
		pass_what_came(r, fds);
	}
	return HOOK_DONE;
}

/* One that is being cancelled has no host to wait with. */
static void
stop(struct run *r)
{
	struct pollfd fds[3];

	keeper_stop(&r->keeper);
	while (!keeper_ended(&r->keeper, &r->status)) {
		fill(r, fds);
		if (poll(fds, 3, 1000) > 0)
			pass_what_came(r, fds);
	}
}

/*
 * What it left running may go on writing: without a reader the next line of
 * its output would kill it.
 */
static void
leave_running(struct run *r, int which)
{
	static const char *const argv[] = { "cat", NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	struct error ignored = ERROR_INIT;

	(void)fcntl(r->out[which], F_SETFL, 0); /* cat expects it to block */
	o.argv = argv;
	o.fds[0] = r->out[which];
	o.fds[1] = o.fds[2] = -1;
	o.group = true;
	(void)process_start(&o, &ignored);
}

enum hook_outcome
run_program(const struct run_options *o, const struct run_place *at,
	int *status, struct error *err)
{
	struct run r = { .o = o, .host = at->host, .out = { -1, -1 } };
	enum hook_outcome how = HOOK_FAILED;
	int i, saved;

	if (start(&r, at, err) == 0) {
		how = watch(&r);
		if (how != HOOK_DONE)
			stop(&r);
		for (i = 0; i < 2; i++)
			drain(&r, i);
		*status = r.status;
	}
	saved = errno;
	for (i = 0; i < 2; i++) {
		if (how == HOOK_DONE && r.out[i] >= 0)
			leave_running(&r, i);
		io_close(&r.out[i]);
	}
	errno = saved;
	return how;
}
