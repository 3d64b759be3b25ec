#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backlog.h"
#include "base/io.h"
#include "base/process.h"
#include "internal.h"
#include "relay.h"

struct child {
	struct transport *t;
	struct relay relay;
	pid_t pid;
	int fd;             /* its standard input and output */
	int errors;         /* its standard error */
	bool ended;         /* its output has */
	bool deaf;          /* it reads no more */
	int64_t first_byte; /* when it must have talked, or 0 */
	int64_t closing;    /* when the caller's close was seen, or 0 */
	struct backlog backlog;
};

static int
start(struct child *c, const struct child_options *o, struct error *err)
{
	struct process_options p = PROCESS_OPTIONS_INIT;
	int pair[2] = { -1, -1 }, pipe_fd[2] = { -1, -1 };

	/* Not of O_NONBLOCK at its end: any program may be there. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 &&
		pipe2(pipe_fd, O_CLOEXEC) == 0 && io_nonblock(pair[0]) == 0 &&
		io_nonblock(pipe_fd[0]) == 0) {
		p.argv = o->argv;
		p.envp = o->envp;
		p.fds[0] = p.fds[1] = pair[1];
		p.fds[2] = pipe_fd[1];
		p.group = o->own_life;
		c->pid = process_start(&p, err);
	} else {
		error_errno(err, "%s", o->argv[0]);
	}
	c->fd = pair[0];
	c->errors = pipe_fd[0];
	io_close(&pair[1]);
	io_close(&pipe_fd[1]);
	if (c->pid > 0)
		return 0;
	io_close(&c->fd);
	io_close(&c->errors);
	err->status = STATUS_CONNECT;
	return -1;
}

static void
read_errors(struct child *c)
{
	char data[4096];
	ssize_t n;

	while ((n = read(c->errors, data, sizeof(data))) > 0)
		transport_errors(c->t, data, (size_t)n);
	if (n == 0)
		io_close(&c->errors);
}

static void
read_output(struct child *c)
{
	char data[CHUNK];

	while (relay_room(&c->relay) >= sizeof(data)) {
		ssize_t n = read(c->fd, data, sizeof(data));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			c->ended = true;
			return;
		}
		transport_heard(c->t, (size_t)n);
		if (!c->t->report.exec_ms)
			c->t->report.exec_ms = transport_elapsed(c->t);
		relay_add(&c->relay, data, (size_t)n);
	}
}

static void
write_input(struct child *c)
{
	struct buf *up = &c->relay.up;

	ssize_t n = c->deaf ? 0 : io_send_some(c->fd, up);

	if (n < 0)
		c->deaf = true;
	else
		atomic_fetch_add(&c->t->sent, (uint64_t)n);
	if (c->relay.up_ended && !up->len && !c->deaf) {
		(void)shutdown(c->fd, SHUT_WR);
		c->deaf = true;
	}
}

/* When patience ends, by io_now_ms(); 0: never. */
static int64_t
last_moment(const struct child *c)
{
	int64_t until = 0;

	if (c->closing)
		until = c->closing + LINGER_MS;
	else if (!c->t->talked)
		until = c->first_byte;
	return transport_until(c->t, until);
}

/* ssh tells nothing of its link: whatever it does not take waits for that. */
static void
note_backlog(struct child *c)
{
	backlog_note(&c->backlog, c->t,
		c->relay.up.len > 0 && c->t->o->kind != TRANSPORT_LOCAL);
}

/* One turn of the loop: 1 go on, 0 over, -1 given up. */
static int
turn(struct child *c, struct error *err)
{
	int64_t end = last_moment(c), left = end - io_now_ms();
	struct pollfd p[4];

	if (end && left <= 0)
		return c->closing ? 0 : transport_late(c->t, err);
	p[0] = relay_pollfd(&c->relay);
	p[1] = (struct pollfd){ c->fd, 0, 0 };
	if (relay_room(&c->relay) >= CHUNK)
		p[1].events |= POLLIN;
	if (!c->deaf && (c->relay.up.len || c->relay.up_ended))
		p[1].events |= POLLOUT;
	if (!p[1].events)
		p[1].fd = -1;
	p[2] = (struct pollfd){ c->errors, POLLIN, 0 };
	p[3] = (struct pollfd){ c->closing ? -1 : c->t->wake, POLLIN, 0 };
	note_backlog(c);
	if (poll(p, 4, end ? (int)left : -1) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	note_backlog(c);
	if (transport_stopped(c->t))
		return transport_interrupted(c->t, err);
	if (!c->closing && atomic_load(&c->t->closing))
		c->closing = io_now_ms();
	if (p[2].revents)
		read_errors(c);
	relay_turn(&c->relay, p[0].revents);
	if (p[1].revents)
		read_output(c);
	write_input(c);
	relay_turn(&c->relay, 0);
	return !c->ended;
}

/* Whether it ends within ms milliseconds, with what waitpid() has of it. */
static bool
ends_within(struct child *c, int ms, int *status)
{
	static const struct timespec pause = { 0, 1000 * 1000 };
	int64_t until = io_now_ms() + ms;
	bool ended;

	do {
		ended = waitpid(c->pid, status, WNOHANG) != 0;
		if (c->errors >= 0)
			read_errors(c);
		if (!ended)
			(void)nanosleep(&pause, NULL);
	} while (!ended && io_now_ms() < until);
	return ended;
}

/* Waits a little for the child's own end, then makes it: its exit status. */
static int
reap(struct child *c, bool at_once, bool own_life)
{
	int status = 0;

	if (!ends_within(c, at_once ? 0 : LINGER_MS, &status)) {
		if (own_life)
			return -1;
		(void)kill(c->pid, SIGTERM);
		if (!ends_within(c, 500, &status)) {
			(void)kill(c->pid, SIGKILL);
			return process_wait(c->pid);
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
child_run(struct transport *t, const struct child_options *o, int *status,
	struct error *err)
{
	struct child c = { .t = t, .fd = -1, .errors = -1 };
	int rc;

	if (start(&c, o, err) < 0)
		return -1;
	relay_init(&c.relay, t, t->inner);
	if (o->first_byte_ms)
		c.first_byte = io_now_ms() + o->first_byte_ms;
	do {
		rc = turn(&c, err);
	} while (rc > 0);
	relay_finish(&c.relay);
	io_close(&c.fd);
	*status = reap(&c, rc < 0, o->own_life);
	io_close(&c.errors);
	relay_release(&c.relay);
	return rc;
}
