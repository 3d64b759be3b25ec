#include "server/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"

#define READ_SIZE 32768
/* Between TERM and KILL. */
#define GRACE_MS 10000
/* What a program that has ended may have left in a pipe. */
#define DRAIN_MOST (1 << 20)
#define SAID_MOST 65536

/* One that runs; out[1] is its standard error, if that goes apart. */
struct run {
	const struct run_options *o;
	const struct hook_host *host;
	pid_t pid;
	int pidfd; /* readable when the first process has ended */
	int out[2];
	bool reaped;
	int status; /* then */
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
	struct process_options o = PROCESS_OPTIONS_INIT;
	int ends[2] = { -1, -1 }, saved;
	mode_t ours;

	r->pid = -1;
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
		o.group = true;
		ours = umask(r->host->umask);
		r->pid = process_start(&o, err);
		saved = errno;
		umask(ours);
		errno = saved;
	}
	io_close(&ends[0]);
	io_close(&ends[1]);
	if (r->pid < 0)
		return -1;
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
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

/* Whether the first process has ended, leaving it to be reaped. */
static bool
has_ended(const struct run *r)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)r->pid, &info,
		       WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == r->pid;
}

static int
time_left(const struct run *r)
{
	int64_t left = r->o->end ? r->o->end - io_now_ms() : 1000;

	/* Without a pidfd the end is noticed by looking. */
	if (r->pidfd < 0 && left > 50)
		left = 50;
	return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

/* Until it ends, the deadline passes or the host cancels. */
static enum hook_outcome
watch(struct run *r)
{
	while (!has_ended(r)) {
		struct pollfd fds[3] = { { r->out[0], POLLIN, 0 },
			{ r->out[1], POLLIN, 0 }, { r->pidfd, POLLIN, 0 } };
		int i;

		if (r->o->end && io_now_ms() >= r->o->end)
			return HOOK_TIMEOUT;
		if (r->host->wait(r->host->arg, fds, 3, time_left(r)) < 0)
			return HOOK_CANCELLED;
		for (i = 0; i < 2; i++)
			if (r->out[i] >= 0 && fds[i].revents)
				(void)pass_output(r, i);
	}
	return HOOK_DONE;
}

/*
 * Reaps the first process if it has ended.  Its number stays its group's as
 * long as any other process is in that.
 */
static void
reap(struct run *r)
{
	if (!r->reaped && has_ended(r)) {
		r->status = process_wait(r->pid);
		r->reaped = true;
	}
}

/* TERM to the group, KILL to what is left of it after the grace. */
static void
stop(struct run *r)
{
	int64_t end = io_now_ms() + GRACE_MS;

	kill(-r->pid, SIGTERM);
	do {
		struct pollfd p[2] = { { r->out[0], POLLIN, 0 },
			{ r->out[1], POLLIN, 0 } };
		int i;

		/* One that is being cancelled has no host to wait with. */
		(void)poll(p, 2, 20);
		for (i = 0; i < 2; i++)
			if (r->out[i] >= 0 && p[i].revents)
				(void)pass_output(r, i);
		reap(r);
		if (r->reaped && kill(-r->pid, 0) < 0)
			return;
	} while (io_now_ms() < end);
	kill(-r->pid, SIGKILL);
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
	struct run r = {
		.o = o, .host = at->host, .pidfd = -1, .out = { -1, -1 }
	};
	enum hook_outcome how = HOOK_FAILED;
	int i, saved;

	if (start(&r, at, err) == 0) {
		how = watch(&r);
		if (how != HOOK_DONE)
			stop(&r);
		for (i = 0; i < 2; i++)
			drain(&r, i);
		if (!r.reaped)
			r.status = process_wait(r.pid);
		*status = r.status;
	}
	saved = errno;
	for (i = 0; i < 2; i++) {
		if (how == HOOK_DONE && r.out[i] >= 0)
			leave_running(&r, i);
		io_close(&r.out[i]);
	}
	io_close(&r.pidfd);
	errno = saved;
	return how;
}
