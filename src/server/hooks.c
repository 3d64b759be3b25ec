#include "server/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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
#define CHECK_PAUSE_MS 1000
/* What a shell that has ended may have left in the pipe. */
#define DRAIN_MOST (1 << 20)

/* One command that runs. */
struct run {
	pid_t pid;
	int pidfd; /* readable when the shell has ended */
	int out;
	int64_t end; /* io_now_ms() of the deadline, 0: none */
	bool reaped;
	int status; /* then */
	const struct hook_host *host;
};

static void
output_text(const struct hook_host *host, const char *text)
{
	host->output(host->arg, text, strlen(text));
}

static int
start(struct run *r, const char *command, int cwd, const struct strv *env,
	struct error *err)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	mode_t ours;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	o.argv = argv;
	o.envp = env->v;
	o.cwd = cwd;
	o.fds[0] = -1;
	o.fds[1] = o.fds[2] = fds[1];
	o.group = true;
	ours = umask(r->host->umask);
	r->pid = process_start(&o, err);
	umask(ours);
	io_close(&fds[1]);
	if (r->pid < 0) {
		io_close(&fds[0]);
		return -1;
	}
	r->out = fds[0];
	(void)io_nonblock(r->out);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
}

/* Reads what is there: -1 at the end, else the bytes. */
static ssize_t
pass_output(struct run *r)
{
	char data[READ_SIZE];
	ssize_t n = read(r->out, data, sizeof(data));

	if (n > 0)
		r->host->output(r->host->arg, data, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? n : -1;
}

static void
drain(struct run *r)
{
	size_t most = DRAIN_MOST;
	ssize_t n = 0;

	while (most && r->out >= 0 && (n = pass_output(r)) > 0)
		most -= (size_t)n < most ? (size_t)n : most;
	if (n < 0)
		io_close(&r->out);
}

/* Whether the shell has ended, leaving it to be reaped. */
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
	int64_t left = r->end ? r->end - io_now_ms() : 1000;

	/* Without a pidfd the end is noticed by looking. */
	if (r->pidfd < 0 && left > 50)
		left = 50;
	return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

/* Until the shell ends, the deadline passes or the host cancels. */
static enum hook_outcome
watch(struct run *r)
{
	while (!has_ended(r)) {
		struct pollfd fds[2] = { { r->out, POLLIN, 0 },
			{ r->pidfd, POLLIN, 0 } };

		if (r->end && io_now_ms() >= r->end)
			return HOOK_TIMEOUT;
		if (r->host->wait(r->host->arg, fds, 2, time_left(r)) < 0)
			return HOOK_CANCELLED;
		if (r->out >= 0 && fds[0].revents && pass_output(r) < 0)
			io_close(&r->out);
	}
	return HOOK_DONE;
}

/*
 * Reaps the shell if it has ended.  Its number stays its group's as long as
 * any other process is in that.
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
		struct pollfd p = { r->out, POLLIN, 0 };

		/* A hook that is being cancelled has no host to wait with. */
		(void)poll(&p, 1, 20);
		if (p.revents && pass_output(r) < 0)
			io_close(&r->out);
		if (r->out < 0)
			usleep(20000);
		reap(r);
		if (r->reaped && kill(-r->pid, 0) < 0)
			return;
	} while (io_now_ms() < end);
	kill(-r->pid, SIGKILL);
}

/*
 * What the shell left running may go on writing: without a reader the next
 * line of its output would kill it.
 */
static void
leave_running(struct run *r)
{
	static const char *const argv[] = { "cat", NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	struct error ignored = ERROR_INIT;

	(void)fcntl(r->out, F_SETFL, 0); /* cat expects it to block */
	o.argv = argv;
	o.fds[0] = r->out;
	o.fds[1] = o.fds[2] = -1;
	o.group = true;
	(void)process_start(&o, &ignored);
}

static enum hook_outcome
judge(const char *stage, const char *command, enum hook_outcome how, int status,
	long timeout, struct error *err)
{
	if (how == HOOK_CANCELLED)
		error_status(err, STATUS_INT, "%s was cancelled", stage);
	else if (how == HOOK_TIMEOUT)
		error_status(err, STATUS_HOOK,
			"%s failed: '%s' took longer than %ld s", stage,
			command, timeout);
	else if (status > 128)
		error_status(err, STATUS_HOOK,
			"%s failed: '%s' was killed by signal %d", stage,
			command, status - 128);
	else if (status)
		error_status(err, STATUS_HOOK, "%s failed: '%s' exited with %d",
			stage, command, status);
	return how == HOOK_DONE && status ? HOOK_FAILED : how;
}

static enum hook_outcome
run_command(const char *stage, const char *command, int cwd,
	const struct strv *env, int64_t end, long timeout,
	const struct hook_host *host, struct error *err)
{
	struct run r = { .pidfd = -1, .out = -1, .end = end, .host = host };
	enum hook_outcome how;

	output_text(host, "+ ");
	output_text(host, command);
	output_text(host, "\n");
	if (start(&r, command, cwd, env, err) < 0) {
		err->status = STATUS_HOOK;
		return HOOK_FAILED;
	}
	how = watch(&r);
	if (how != HOOK_DONE)
		stop(&r);
	drain(&r);
	if (!r.reaped)
		r.status = process_wait(r.pid);
	if (how == HOOK_DONE && r.out >= 0)
		leave_running(&r);
	io_close(&r.out);
	io_close(&r.pidfd);
	return judge(stage, command, how, r.status, timeout, err);
}

enum hook_outcome
hooks_run(const char *stage, const struct strv *commands, int cwd,
	const struct strv *env, long timeout, const struct hook_host *host,
	struct error *err)
{
	int64_t end = timeout ? io_now_ms() + timeout * 1000 : 0;
	enum hook_outcome how = HOOK_DONE;
	size_t i;

	for (i = 0; how == HOOK_DONE && i < commands->n; i++)
		how = run_command(stage, commands->v[i], cwd, env, end, timeout,
			host, err);
	return how;
}

/* Waits, serving the host; -1 if it cancels. */
static int
pause_between(const struct hook_host *host, int64_t ms)
{
	int64_t end = io_now_ms() + ms;

	while (io_now_ms() < end)
		if (host->wait(host->arg, NULL, 0, (int)(end - io_now_ms())) <
			0)
			return -1;
	return 0;
}

enum hook_outcome
hooks_check(const struct strv *commands, int cwd, const struct strv *env,
	long timeout, const struct hook_host *host, struct error *err)
{
	int64_t end = timeout ? io_now_ms() + timeout * 1000 : 0;
	int64_t wait = CHECK_PAUSE_MS;
	enum hook_outcome how;

	for (;;) {
		long left = end ? (long)((end - io_now_ms() + 999) / 1000) : 0;

		how = hooks_run("check", commands, cwd, env,
			end && left < 1 ? 1 : left, host, err);
		if (how == HOOK_DONE || how == HOOK_CANCELLED)
			return how;
		if (end && io_now_ms() + wait >= end)
			return how;
		if (pause_between(host, wait) < 0)
			return HOOK_CANCELLED;
		wait = 2 * CHECK_PAUSE_MS;
	}
}
