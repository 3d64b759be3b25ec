#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "confine.h"
#include "error.h"
#include "io.h"

/* Puts the wanted descriptors at 0, 1 and 2; they may overlap. */
static int
place_fds(const int fds[static 3])
{
	int high[3], i;

	for (i = 0; i < 3; i++) {
		int fd = fds[i];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (high[i] < 0)
			return -1;
	}
	for (i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			return -1;
	/* Those that were opened without close-on-exec; best effort. */
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static void
reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

#ifdef COVERAGE
void __gcov_dump(void);
#endif

void
process_exit(int status)
{
#ifdef COVERAGE
	/* Only exit() does that by itself. */
	__gcov_dump();
#endif
	_exit(status);
}

static void
run_body(const struct process_options *o)
{
	static const int keep[] = { 0, 1, 2 };

	process_close_all_but(keep, 3);
	process_exit(o->body(o->arg));
}

static int
enter_fence(const struct confine *fence)
{
	struct error ignored = ERROR_INIT;

	if (!fence)
		return 0;
	/* Whoever wants a fence does not want to do without. */
	return confine_privileges(&ignored) == CONFINED &&
			confine_files(fence, &ignored) == CONFINED ?
		0 :
		-1;
}

/* That its parent has ended may have been before it asked. */
static int
die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	if (getppid() != parent)
		raise(SIGKILL);
	return 0;
}

static void
child(const struct process_options *o, pid_t parent, int report)
{
	int saved;

	reset_signals();
	if ((!o->with_us || die_with(parent) == 0) &&
		(!o->group || setpgid(0, 0) == 0) &&
		(o->cwd < 0 || fchdir(o->cwd) == 0) && place_fds(o->fds) == 0 &&
		enter_fence(o->fence) == 0) {
		if (o->body)
			run_body(o);
		/* Not execvpe(), which looks into our PATH. */
		if (o->envp)
			environ = (char **)o->envp;
		execvp(o->argv[0], (char *const *)o->argv);
	}
	saved = errno;
	(void)io_write_full(report, &saved, sizeof(saved));
	process_exit(127);
}

pid_t
process_start(const struct process_options *o, struct error *err)
{
	int report[2], failed = 0;
	pid_t pid, us = getpid();

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	/* Above 2, where place_fds() cannot overwrite it. */
	if (report[1] < 3) {
		int fd = fcntl(report[1], F_DUPFD_CLOEXEC, 3);

		io_close(&report[1]);
		report[1] = fd;
	}
	pid = fork();
	if (pid == 0)
		child(o, us, report[1]);
	io_close(&report[1]);
	if (pid < 0) {
		io_close(&report[0]);
		return error_errno(err, "fork");
	}
	if (o->group)
		(void)setpgid(pid, pid); /* whoever comes first */
	if (io_read_full(report[0], &failed, sizeof(failed)) > 0) {
		process_wait(pid);
		errno = failed;
		pid = error_errno(err, "cannot run %s",
			o->argv ? o->argv[0] : "it");
		errno = failed;
	}
	io_close(&report[0]);
	return pid;
}

int
process_status(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int
process_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return process_status(status);
}

int
process_output(const char *const *argv, char *const *envp, int cwd, size_t most,
	struct buf *out, struct error *err)
{
	struct process_options o = PROCESS_OPTIONS_INIT;
	int fd[2], rc;
	ssize_t n;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	o.argv = argv;
	o.envp = envp;
	o.cwd = cwd;
	o.fds[1] = fd[1];
	o.fds[2] = -1;
	pid = process_start(&o, err);
	io_close(&fd[1]);
	if (pid < 0) {
		io_close(&fd[0]);
		return -1;
	}
	do {
		n = io_read_some(fd[0], out, 65536);
	} while (n > 0 && out->len <= most);
	io_close(&fd[0]);
	rc = process_wait(pid);
	if (n > 0)
		return error_set(err, "%s: more than %zu bytes of output",
			argv[0], most);
	return rc;
}

void
process_default_signals(void)
{
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
}

static bool
is_kept(const int *keep, int n, unsigned fd)
{
	int i;

	for (i = 0; i < n; i++)
		if (keep[i] >= 0 && (unsigned)keep[i] == fd)
			return true;
	return false;
}

void
process_close_all_but(const int *keep, int n)
{
	unsigned last = 2, fd;
	int i;

	for (i = 0; i < n; i++)
		if (keep[i] > (int)last)
			last = (unsigned)keep[i];
	for (fd = 0; fd <= last; fd++)
		if (!is_kept(keep, n, fd))
			close((int)fd);
	if (syscall(SYS_close_range, last + 1, ~0U, 0) == 0)
		return;
	for (fd = last + 1; fd < (unsigned)sysconf(_SC_OPEN_MAX); fd++)
		close((int)fd);
}
