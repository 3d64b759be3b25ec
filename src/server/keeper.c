#include "server/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descendants.h"
#include "base/io.h"

/* Between TERM and KILL. */
#define GRACE_MS 10000
/* Between two looks at what was killed. */
#define LOOK_MS 10
#define LOOK_MOST_MS 1000
#define HELD_MOST 8

/* What the keeper says: at first which process it is, then how it ended. */
struct word {
	pid_t pid; /* -1: it could not be started */
	int value; /* errno; the status */
};

/* The keeper's own. */
struct keeping {
	int fd;      /* ends when deployd does */
	int signals; /* readable when a child has ended */
	pid_t pid;
	bool ended;
	int status;
};

/* Waits for all that have ended; false: there are no more children. */
static bool
reap(struct keeping *k)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(k->signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != k->pid)
			continue;
		k->ended = true;
		k->status = process_status(status);
	}
	return pid == 0;
}

static bool
reap_within(struct keeping *k, int ms)
{
	struct pollfd p = { k->signals, POLLIN, 0 };

	(void)poll(&p, 1, ms);
	return reap(k);
}

/*
 * The program's own group gets it at once, so that no process of it is missed
 * that is just being made.
 */
static void
tell_to_end(const struct keeping *k)
{
	(void)kill(-k->pid, SIGTERM);
	(void)descendants_signal(SIGTERM, k->pid);
}

/* Whether there was any.  Without /proc its own group has to do. */
static bool
kill_all(const struct keeping *k)
{
	int n = descendants_signal(SIGKILL, 0);

	if (n < 0)
		return !k->ended && kill(-k->pid, SIGKILL) == 0;
	return n > 0;
}

/*
 * What runs as somebody else, by sudo(8) say, cannot be ended, and is not
 * waited for.
 */
static void
end_all(struct keeping *k)
{
	int64_t end = io_now_ms() + GRACE_MS, left;
	int pause = LOOK_MS;

	tell_to_end(k);
	while ((left = end - io_now_ms()) > 0)
		if (!reap_within(k, (int)left))
			return;
	while (kill_all(k) && reap_within(k, pause))
		pause = pause < LOOK_MOST_MS ? pause * 2 : LOOK_MOST_MS;
}

static void
keep(struct keeping *k)
{
	while (!k->ended) {
		struct pollfd p[2] = { { k->fd, POLLIN, 0 },
			{ k->signals, POLLIN, 0 } };

		int n = poll(p, 2, -1);

		(void)reap(k);
		if (!k->ended && (n < 0 || p[0].revents)) {
			end_all(k);
			break;
		}
	}
}

/* Who ends deployd with a signal to its group ends nothing here. */
static int
take_signals(void)
{
	sigset_t set;

	(void)signal(SIGCHLD, SIG_DFL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
tell(int fd, pid_t pid, int value)
{
	const struct word w = { pid, value };

	(void)io_write_full(fd, &w, sizeof(w));
}

static int
run(int fd, const struct process_options *o, const int *held, int n)
{
	struct keeping k = {
		.fd = fd, .signals = take_signals(), .status = 128 + SIGKILL
	};
	struct error ignored = ERROR_INIT;
	int kept[HELD_MOST + 2], i;

	(void)setpgid(0, 0);
	if (k.signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		k.pid = -1;
	else
		k.pid = process_start(o, &ignored);
	tell(fd, k.pid, k.pid < 0 ? errno : 0);
	if (k.pid < 0)
		return 1;
	for (i = 0; i < n && i < HELD_MOST; i++)
		kept[i] = held[i];
	kept[i++] = fd;
	kept[i++] = k.signals;
	process_close_all_but(kept, i);
	keep(&k);
	tell(fd, k.pid, k.status);
	return 0;
}

static void
wait_for(struct keeper *k)
{
	io_close(&k->fd);
	process_wait(k->pid);
}

int
keeper_start(struct keeper *k, const struct process_options *o, mode_t mask,
	const int *held, int n, struct error *err)
{
	struct word w = { -1, EOWNERDEAD };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno(err, "socketpair");
	k->fd = fds[0];
	k->pid = fork();
	if (k->pid == 0) {
		io_close(&fds[0]);
		umask(mask);
		process_exit(run(fds[1], o, held, n));
	}
	io_close(&fds[1]);
	if (k->pid < 0) {
		io_close(&k->fd);
		return error_errno(err, "fork");
	}
	/* At its end without a word somebody has killed it. */
	(void)io_read_full(k->fd, &w, sizeof(w));
	k->group = w.pid;
	if (w.pid > 0)
		return 0;
	wait_for(k);
	errno = w.value;
	return error_errno(err, "cannot run %s",
		o->argv ? o->argv[0] : "a check");
}

bool
keeper_ended(struct keeper *k, int *status)
{
	struct pollfd p = { k->fd, POLLIN, 0 };
	struct word w;

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (io_read_full(k->fd, &w, sizeof(w)) == sizeof(w)) {
		*status = w.value;
	} else {
		/* Somebody killed the keeper. */
		(void)kill(-k->group, SIGKILL);
		*status = 128 + SIGKILL;
	}
	wait_for(k);
	return true;
}

void
keeper_stop(struct keeper *k)
{
	(void)shutdown(k->fd, SHUT_WR);
}
