/*
 * fault [-p PROGRAM] [-f DIR] [-c CLASS,...] [-n N] [-a ACTION] [-l FILE]
 *	COMMAND...
 *
 * Runs COMMAND, and at the Nth of its system calls, counted over all that it
 * starts, something goes wrong.  Only those calls count that are of such a
 * class (fault_calls.h: classes, or names of calls), made by a process whose
 * program is PROGRAM, about a descriptor of DIR or below it.  What the loader
 * does before a program begins is no business of the program's.
 *
 *	kill         all of them are killed instead of the call
 *	after        all are killed once it was made
 *	die          only the process whose call it is
 *	shutdown     the file system of DIR fails from there on, and what it
 *	             had not written is lost
 *	EIO ...      the call fails so, and so do all that follow with -a EIO+
 *	short        it does a part of what was asked; short+: all of them
 *
 * At the end FILE is "CALLS NAME PROGRAM": how many there were, and which of
 * whom was hit, "- -" if none.  The exit status is that of COMMAND, known as
 * soon as that ended; what it left behind goes on, and is traced until its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_calls.h"
#include "fault_registers.h"

/* Of ext4, xfs and others; 2: the journal is not written either. */
#define SHUTDOWN _IOR('X', 125, uint32_t)
#define SHUTDOWN_NOLOGFLUSH 2
#define TRACEES 1024
#define N(a) (sizeof(a) / sizeof(*(a)))

enum action { NOTHING, KILL, AFTER, DIE, SHUT, FAIL, SHORT };

static const struct {
	const char *name;
	enum action action;
	int error;
} actions[] = {
	{ "kill", KILL, 0 },
	{ "after", AFTER, 0 },
	{ "die", DIE, 0 },
	{ "shutdown", SHUT, 0 },
	{ "short", SHORT, 0 },
	{ "EIO", FAIL, EIO },
	{ "EINTR", FAIL, EINTR },
	{ "ENOSPC", FAIL, ENOSPC },
	{ "EDQUOT", FAIL, EDQUOT },
	{ "ENOMEM", FAIL, ENOMEM },
	{ "EMFILE", FAIL, EMFILE },
	{ "EROFS", FAIL, EROFS },
	{ "EINVAL", FAIL, EINVAL },
};

/* A thread; `changed' between the entry and the exit of a call of it. */
struct tracee {
	pid_t pid;
	bool loading;
	enum action changed;
	struct user_regs_struct before;
};

static struct tracee tracees[TRACEES];
static const char *program, *directory, *report;
static bool chosen[N(calls)];
static enum action action;
static int action_error, directory_fd = -1;
static bool from_there_on, killing;
static unsigned long at, count;
static const char *hit_call = "-";
static char hit_program[32] = "-";

static struct tracee *
tracee_of(pid_t pid)
{
	size_t i, unused = TRACEES;

	for (i = 0; i < TRACEES; i++) {
		if (tracees[i].pid == pid)
			return &tracees[i];
		if (!tracees[i].pid && unused == TRACEES)
			unused = i;
	}
	if (unused == TRACEES)
		abort();
	tracees[unused] = (struct tracee){ .pid = pid };
	return &tracees[unused];
}

static void
kill_all(void)
{
	size_t i;

	killing = true;
	for (i = 0; i < TRACEES; i++)
		if (tracees[i].pid)
			kill(tracees[i].pid, SIGKILL);
}

static void
program_of(pid_t pid, char *name, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, name, size - 1);
	close(fd);
	name[n > 0 ? n - 1 : 0] = '\0';
}

/* Of a path, which is the argument behind the descriptor. */
static bool
is_absolute(pid_t pid, uint64_t path)
{
	return (char)ptrace(PTRACE_PEEKDATA, pid, path, 0) == '/';
}

static bool
is_below(pid_t pid, const struct call *call, const uint64_t *args)
{
	char link[64], path[4096];
	size_t len = strlen(directory);
	ssize_t n;

	if (call->fd < 0 || (int)args[call->fd] == AT_FDCWD) {
		if (is_absolute(pid, args[call->fd + 1]))
			return false;
		snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	} else {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid,
			(int)args[call->fd]);
	}
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return !strncmp(path, directory, len) && strchr("/", path[len]);
}

static bool
is_loading(struct tracee *t, uint64_t nr)
{
	size_t i;

	for (i = 0; i < N(loader_calls); i++)
		if ((uint64_t)loader_calls[i] == nr)
			return t->loading;
	return t->loading = false;
}

/* The one that is to be counted, or NULL. */
static const struct call *
counted(pid_t pid, const struct __ptrace_syscall_info *info, char *name,
	size_t size)
{
	size_t i;

	for (i = 0; i < N(calls); i++)
		if (chosen[i] && (uint64_t)calls[i].nr == info->entry.nr)
			break;
	if (i == N(calls))
		return NULL;
	program_of(pid, name, size);
	if ((program && strcmp(name, program)) ||
		(directory && action != SHUT &&
			!is_below(pid, &calls[i], info->entry.args)))
		return NULL;
	return &calls[i];
}

/* Something that does nothing is called in its place. */
static void
make_fail(struct tracee *t)
{
	struct user_regs_struct r;

	registers_get(t->pid, &t->before);
	r = t->before;
	registers_set_call(&r, t->pid, SYS_read);
	*registers_argument(&r, 0) = (unsigned long long)-1;
	registers_set(t->pid, &r);
	t->changed = FAIL;
}

/* Its result is never an error: it fails by telling the old break. */
static void
make_brk_fail(struct tracee *t)
{
	struct user_regs_struct r;

	registers_get(t->pid, &t->before);
	r = t->before;
	*registers_argument(&r, 0) = 0;
	registers_set(t->pid, &r);
	t->changed = SHORT;
}

/* One byte, a half, all but one. */
static void
make_short(struct tracee *t, const struct call *call)
{
	unsigned long long *len;
	struct user_regs_struct r;

	registers_get(t->pid, &t->before);
	r = t->before;
	len = registers_argument(&r, call->len);
	if (*len > 1) {
		unsigned long long cut[] = { 1, *len / 2, *len - 1 };

		*len = cut[count % N(cut)];
	}
	registers_set(t->pid, &r);
	t->changed = SHORT;
}

static void
hit(struct tracee *t, const struct call *call)
{
	switch (action) {
	case KILL:
		kill_all();
		break;
	case DIE:
		kill(t->pid, SIGKILL);
		break;
	case SHUT: {
		uint32_t how = SHUTDOWN_NOLOGFLUSH;

		if (ioctl(directory_fd, SHUTDOWN, &how) < 0)
			hit_call = "failed";
		break;
	}
	case FAIL:
		if (call->nr == SYS_brk)
			make_brk_fail(t);
		else
			make_fail(t);
		break;
	case SHORT:
		if (call->len >= 0)
			make_short(t, call);
		break;
	default:
		t->changed = action;
	}
}

static void
on_entry(struct tracee *t, const struct __ptrace_syscall_info *info)
{
	const struct call *call;
	char name[32];

	if (is_loading(t, info->entry.nr))
		return;
	call = counted(t->pid, info, name, sizeof(name));
	if (!call)
		return;
	count++;
	if (count != at && !(from_there_on && count > at))
		return;
	if (count == at) {
		hit_call = call->name;
		strcpy(hit_program, name);
	}
	hit(t, call);
}

static void
on_exit_of(struct tracee *t)
{
	struct user_regs_struct now;

	if (t->changed == AFTER) {
		kill_all();
	} else if (t->changed) {
		registers_get(t->pid, &now);
		*registers_result(&t->before) = t->changed == FAIL ?
			(unsigned long long)-action_error :
			*registers_result(&now);
		registers_set(t->pid, &t->before);
	}
	t->changed = NOTHING;
}

static void
on_syscall(struct tracee *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(t, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->changed)
		on_exit_of(t);
}

static void
on_stop(struct tracee *t, int status)
{
	int event = status >> 16, number = WSTOPSIG(status), deliver = 0;

	if (killing)
		kill(t->pid, SIGKILL);
	if (event == PTRACE_EVENT_EXEC)
		t->loading = true;
	if (number == (SIGTRAP | 0x80))
		on_syscall(t);
	else if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
		ptrace(PTRACE_LISTEN, t->pid, 0, 0);
		return;
	} else if (!event)
		deliver = number;
	ptrace(PTRACE_SYSCALL, t->pid, 0, deliver);
}

static void
write_report(void)
{
	char text[128];
	int fd = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int n = snprintf(text, sizeof(text), "%lu %s %s\n", count, hit_call,
		hit_program);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		abort();
	close(fd);
}

/* Until nobody is left; the status of the first goes to `tell'. */
static void
trace(pid_t first, int tell)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct tracee *t;

		if (pid <= 0)
			continue;
		t = tracee_of(pid);
		if (WIFSTOPPED(status)) {
			on_stop(t, status);
			continue;
		}
		t->pid = 0;
		if (pid == first && write(tell, &status, sizeof(status)) < 0)
			abort();
	}
	if (report)
		write_report();
}

/* The program waits until it is traced. */
static pid_t
start(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
		PTRACE_O_EXITKILL;
	int ready[2], status;
	char byte = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		if (read(ready[0], &byte, 1) != 1)
			_exit(127);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0 ||
		ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
		waitpid(pid, &status, __WALL) != pid) {
		kill(pid, SIGKILL);
		exit(126);
	}
	(void)tracee_of(pid);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	if (write(ready[1], &byte, 1) != 1)
		abort();
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* Nobody shall wait for us at the end of a pipe. */
static void
leave_streams(void)
{
	int i, fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (i = 0; i < 3; i++)
		dup2(fd, i);
	close(fd);
}

static int
run(char **argv)
{
	int tell[2], status;

	if (pipe2(tell, O_CLOEXEC) < 0)
		return 126;
	switch (fork()) {
	case -1:
		return 126;
	case 0: {
		pid_t first = start(argv);

		leave_streams();
		close(tell[0]);
		trace(first, tell[1]);
		_exit(0);
	}
	}
	leave_streams();
	close(tell[1]);
	if (read(tell[0], &status, sizeof(status)) != sizeof(status))
		return 126;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static bool
choose_calls(char *list)
{
	char *word = strtok(list, ",");
	bool any = true;

	for (; any && word; word = strtok(NULL, ",")) {
		size_t i, k;

		any = false;
		for (i = 0; i < N(calls); i++) {
			bool is = !strcmp(calls[i].name, word);

			for (k = 0; k < N(classes); k++)
				is = is ||
					(!strcmp(classes[k].name, word) &&
						calls[i].class &
							classes[k].class);
			chosen[i] = chosen[i] || is;
			any = any || is;
		}
	}
	return any;
}

static bool
choose_action(char *name)
{
	size_t i, len = strlen(name);

	from_there_on = len && name[len - 1] == '+';
	if (from_there_on)
		name[len - 1] = '\0';
	for (i = 0; i < N(actions); i++)
		if (!strcmp(actions[i].name, name)) {
			action = actions[i].action;
			action_error = actions[i].error;
			return REGISTERS_KNOWN || action < FAIL;
		}
	return false;
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+p:f:c:n:a:l:")) != -1) {
		if (c == 'p')
			program = optarg;
		else if (c == 'f')
			directory = optarg;
		else if (c == 'n')
			at = strtoul(optarg, NULL, 10);
		else if (c == 'l')
			report = optarg;
		else if (!(c == 'c' && choose_calls(optarg)) &&
			!(c == 'a' && choose_action(optarg)))
			return 2;
	}
	if (optind == argc)
		return 2;
	if (action == SHUT) {
		directory_fd = directory ?
			open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
			-1;
		if (directory_fd < 0)
			return 126;
	}
	return run(argv + optind);
}
