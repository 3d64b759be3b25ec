#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "internal.h"

extern char **environ;

int
transport_elapsed(const struct transport *t)
{
	int64_t ms = io_now_ms() - t->started;

	return ms < 1 ? 1 : (int)ms;
}

void
transport_heard(struct transport *t, size_t bytes)
{
	atomic_fetch_add(&t->received, bytes);
	atomic_store(&t->heard, io_now_ms());
}

bool
transport_stopped(const struct transport *t)
{
	return atomic_load(&t->aborted) ||
		(atomic_load(&t->closing) && !t->talked);
}

void
transport_errors(struct transport *t, const char *data, size_t len)
{
	size_t most = sizeof(t->report.errors) - 1;

	if (len > most) {
		data += len - most;
		len = most;
	}
	buf_add(&t->errors, data, len);
	if (t->errors.len > most)
		buf_consume(&t->errors, t->errors.len - most);
}

const char *
transport_last_error(const struct transport *t, char *line, size_t size)
{
	const char *text = buf_str(&t->errors);
	size_t end = t->errors.len, start;

	while (end && strchr("\r\n \t", text[end - 1]))
		end--;
	for (start = end; start && text[start - 1] != '\n';)
		start--;
	snprintf(line, size, "%.*s", (int)(end - start), text + start);
	return line;
}

static const char *
place(const struct transport *t)
{
	return t->o->kind == TRANSPORT_LOCAL ? "this machine" : t->o->host;
}

enum status
transport_failure(const struct transport *t)
{
	return t->talked ? STATUS_TRANSFER : STATUS_CONNECT;
}

int64_t
transport_until(const struct transport *t, int64_t time)
{
	if (!t->deadline || (time && time < t->deadline))
		return time;
	return t->deadline;
}

int
transport_wait(const struct transport *t, int fd, short events,
	int64_t deadline)
{
	struct pollfd p[2] = { { fd, events, 0 }, { t->wake, POLLIN, 0 } };

	for (;;) {
		int64_t left = deadline - io_now_ms();

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		(void)poll(p, 2, (int)left);
		if (transport_stopped(t)) {
			errno = ECANCELED;
			return -1;
		}
		if (p[0].revents)
			return 0;
	}
}

int
transport_late(const struct transport *t, struct error *err)
{
	if (t->deadline && io_now_ms() >= t->deadline)
		return error_status(err, transport_failure(t),
			"not done after %d seconds, which was the limit",
			t->o->total_timeout);
	if (t->report.exec_ms && !t->talked)
		return error_status(err, STATUS_CONNECT,
			"%s answers, but deployd there does not: no word "
			"from it in time",
			place(t));
	return error_status(err, transport_failure(t), "%s does not answer",
		place(t));
}

int
transport_interrupted(const struct transport *t, struct error *err)
{
	return error_status(err, transport_failure(t),
		"the connection was given up");
}

/* That the shell found no deployd, and not what a deployd of its own lacks. */
static bool
is_missing(const char *line)
{
	return !*line || !strncmp(line, "sh:", 3) || !strncmp(line, "sh[", 3) ||
		!strncmp(line, "/bin/sh:", 8) ||
		strstr(line, "deployd: not found") ||
		strstr(line, "not found: deployd");
}

static int
no_deployd(struct transport *t, const char *line, struct error *err)
{
	const struct transport_options *o = t->o;

	if (!is_missing(line))
		return error_status(err, STATUS_CONNECT,
			"deployd on %s does not start: %s", place(t), line);
	error_status(err, STATUS_CONNECT, "there is no deployd on %s",
		place(t));
	if (o->kind == TRANSPORT_LOCAL)
		return transport_local_hint(err);
	return error_hint(err, "`deploy setup %s%s%s' installs it",
		o->user ? o->user : "", o->user ? "@" : "", place(t));
}

int
transport_local_hint(struct error *err)
{
	return error_hint(err,
		"deployd belongs beside deploy, where `make install' puts it");
}

int
transport_judge(struct transport *t, int status, struct error *err)
{
	const char *what = t->o->command ? "what setup ran" : "deployd";
	char line[512];

	t->report.exit_status = status;
	transport_last_error(t, line, sizeof(line));
	if (status == 127 && !t->o->command)
		return no_deployd(t, line, err);
	if (t->talked)
		return 0;
	if (status > 0)
		return error_status(err, STATUS_CONNECT,
			"%s on %s ended before it said a word, with "
			"status %d%s%s",
			what, place(t), status, *line ? ": " : "", line);
	return error_status(err, STATUS_CONNECT,
		"%s on %s ended before it said a word%s%s", what, place(t),
		*line ? ": " : "", line);
}

#define DEPLOYD_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./~+-"

char *
transport_command(const struct transport_options *o, struct error *err)
{
	const char *deployd = o->deployd ? o->deployd : "deployd";

	if (o->command)
		return mem_printf("exec sh -c '%s'", o->command);
	if (*deployd == '\0' || *deployd == '-' ||
		deployd[strspn(deployd, DEPLOYD_CHARACTERS)] != '\0') {
		error_status(err, STATUS_USAGE,
			"--deployd=%s: only letters, digits and _./~+- may "
			"stand in it",
			deployd);
		return NULL;
	}
	return mem_printf("exec sh -c 'PATH=\"$PATH:$HOME/.local/bin:"
			  "/usr/local/bin\" exec %s --serve'",
		deployd);
}

void
transport_environment(struct strv *envp)
{
	char **e;

	for (e = environ; *e; e++)
		if (strncmp(*e, "DEPLOY_KEY=", 11) != 0)
			strv_add(envp, *e);
	if (envp->n == 0)
		strv_add(envp, "LC_ALL=C");
}

static int
run(struct transport *t, struct error *err)
{
	if (t->o->kind == TRANSPORT_LOCAL)
		return local_run(t, err);
	return ssh_run(t, err);
}

static void *
thread_main(void *arg)
{
	struct transport *t = arg;

	t->rc = run(t, &t->err);
	/* The reason is in place before the caller reads the end. */
	(void)shutdown(t->inner, SHUT_RDWR);
	return NULL;
}

/* Signals are the main thread's business. */
static int
start_thread(struct transport *t)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->thread, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = rc;
	return rc ? -1 : 0;
}

struct transport *
transport_open(const struct transport_options *o)
{
	struct transport *t = mem_zalloc(1, sizeof(*t));
	int pair[2];

	t->o = o;
	t->caller = t->inner = t->wake = -1;
	t->started = io_now_ms();
	t->heard = t->started;
	if (o->total_timeout > 0)
		t->deadline = t->started + (int64_t)o->total_timeout * 1000;
	t->rc = -1;
	t->report.exit_status = -1;
	/* Not safe in threads, unlike the rest of it. */
	(void)libssh2_init(0);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake >= 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0, pair) == 0) {
		t->caller = pair[0];
		t->inner = pair[1];
		if (start_thread(t) == 0) {
			t->threaded = true;
			return t;
		}
	}
	error_errno(&t->err, "cannot start to connect");
	io_close(&t->caller);
	/* The caller shall read the end at once. */
	t->caller = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return t;
}

int
transport_fd(const struct transport *t)
{
	return t->caller;
}

void
transport_can_branch(struct transport *t)
{
	atomic_store(&t->can_branch, true);
}

void
transport_awake(struct transport *t)
{
	uint64_t count;

	(void)!read(t->wake, &count, sizeof(count));
}

int
transport_rtt(const struct transport *t)
{
	return atomic_load(&t->rtt);
}

int64_t
transport_link_us(const struct transport *t)
{
	return atomic_load(&t->link_us);
}

void
transport_counts(const struct transport *t, uint64_t *sent, uint64_t *received)
{
	*sent = atomic_load(&t->sent);
	*received = atomic_load(&t->received);
}

static void
wake(struct transport *t)
{
	uint64_t one = 1;

	if (t->wake >= 0)
		(void)!write(t->wake, &one, sizeof(one));
}

int
transport_branch(struct transport *t)
{
	unsigned n = atomic_load(&t->branches);
	int pair[2];

	if (!atomic_load(&t->can_branch) || n == TRANSPORT_BRANCHES ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0, pair) < 0)
		return -1;
	t->branch[n] = pair[1];
	atomic_store(&t->branches, n + 1);
	wake(t);
	return pair[0];
}

void
transport_abort(struct transport *t)
{
	atomic_store(&t->aborted, true);
	wake(t);
}

int
transport_close(struct transport *t, struct transport_report *report,
	struct error *err)
{
	unsigned i;
	int rc;

	atomic_store(&t->closing, true);
	io_close(&t->caller);
	wake(t);
	if (t->threaded)
		pthread_join(t->thread, NULL);
	transport_counts(t, &t->report.sent, &t->report.received);
	(void)transport_last_error(t, t->report.errors,
		sizeof(t->report.errors));
	if (report)
		*report = t->report;
	rc = t->rc;
	if (rc < 0)
		*err = t->err;
	for (i = 0; i < atomic_load(&t->branches); i++)
		io_close(&t->branch[i]);
	io_close(&t->inner);
	io_close(&t->wake);
	buf_release(&t->errors);
	libssh2_exit();
	free(t);
	return rc;
}
