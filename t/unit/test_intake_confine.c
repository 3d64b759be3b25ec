/*
 * What the intake cannot do any more, tried from inside: once with its files
 * confined only, as where seccomp is missing, and once with all of it.
 */
#include "server/intake_confine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/confine.h"
#include "base/process.h"
#include "unit.h"

#define MAKES (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
/* A deed's outcome: 0, an errno, or a signal. */
#define KILLED 1000
#define SIGSYS_ED (KILLED + SIGSYS)

static int tmp, text;
static in_port_t port;

static int
result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
read_etc(void)
{
	return result(open("/etc/passwd", O_RDONLY));
}

static int
read_text(void)
{
	char c;

	return result(pread(text, &c, 1, 0));
}

static int
write_text(void)
{
	return result(write(text, "x", 1));
}

static int
read_tmp(void)
{
	return result(openat(tmp, "there", O_RDONLY));
}

static int
overwrite_tmp(void)
{
	return result(openat(tmp, "there", O_WRONLY));
}

static int
list_tmp(void)
{
	return result(openat(tmp, ".", O_RDONLY | O_DIRECTORY));
}

static int
make_in_tmp(void)
{
	int fd = openat(tmp, "new", MAKES, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || fchmod(fd, 0640) < 0 ||
		close(fd) < 0 || renameat(tmp, "new", tmp, "newer") < 0)
		return errno;
	return result(unlinkat(tmp, "newer", 0));
}

static int
make_above(void)
{
	return result(openat(tmp, "../new", MAKES, 0600));
}

static int
make_elsewhere(void)
{
	return result(openat(tmp, "/var/tmp/unit.confine", MAKES, 0600));
}

static int
rename_out(void)
{
	return result(renameat(tmp, "there", tmp, "../there"));
}

static int
rename_in(void)
{
	return result(renameat(tmp, "../beside", tmp, "beside"));
}

static int
unlink_outside(void)
{
	return result(unlinkat(tmp, "../beside", 0));
}

static int
make_link(void)
{
	return result(symlinkat("/etc", tmp, "link"));
}

static int
make_directory(void)
{
	return result(mkdirat(tmp, "directory", 0700));
}

static int
run_program(void)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };

	return result(execve("/bin/true", argv, envp));
}

static int
start_process(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL);
}

static int
connect_tcp(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return result(fd < 0 ?
			fd :
			connect(fd, (const struct sockaddr *)&a, sizeof(a)));
}

static int
trace_parent(void)
{
	return result(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}

static int
signal_parent(void)
{
	return result(kill(getppid(), 0));
}

static int
more_privileges(void)
{
	return result(setuid(65534));
}

static int
memory_to_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
much_memory(void)
{
	void *p = mmap(NULL, 2u << 30, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
large_file(void)
{
	if (lseek(text, 2ll << 30, SEEK_SET) < 0)
		return errno;
	return result(write(text, "x", 1));
}

static int
many_files(void)
{
	char name[] = "many.a";
	int i;

	for (i = 0; i < 20; i++, name[5]++)
		if (openat(tmp, name, MAKES, 0600) < 0)
			return errno;
	return 0;
}

static int
give_up(void)
{
	abort();
}

/* As musl's does. */
static int
give_up_by_thread(void)
{
	return result(syscall(SYS_tkill, syscall(SYS_gettid), SIGABRT));
}

static int
signal_by_thread(void)
{
	return result(syscall(SYS_tkill, syscall(SYS_gettid), SIGCONT));
}

static int
unknown_call(void)
{
	return result(syscall(1 << 29));
}

#ifdef __x86_64__
static int
call_of_x32(void)
{
	return result(syscall(0x40000000 | SYS_getpid));
}

/* getpid, by its number of 32 bits. */
static int
call_of_i386(void)
{
	long rc;

	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20) : "memory");
	return 0;
}
#endif

/* What it ends with after having given up so much. */
static int
inside(int (*deed)(void), bool all)
{
	const struct intake_options o = {
		.tmp = tmp, .most_entries = 1, .most_file_size = 1
	};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err = ERROR_INIT;

		process_close_all_but((int[]){ tmp, text, 2 }, 3);
		if (intake_confine_files(&o, &err) < 0 ||
			(all && intake_confine_calls(&o, &err) < 0)) {
			fprintf(stderr, "%s\n", err.text);
			_exit(255);
		}
		_exit(deed());
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* Who is instrumented does without. */
static bool
has_filter(void)
{
#ifdef INSTRUMENTED
	return false;
#else
	return confine_calls_known();
#endif
}

static const struct deed {
	const char *name;
	int (*run)(void);
	int since;      /* the version of Landlock that refuses it; 0: none */
	int files, all; /* the outcomes, with that */
} deeds[] = {
	{ "read a file of the system", read_etc, 1, EACCES, EACCES },
	{ "read what is open", read_text, 0, 0, SIGSYS_ED },
	{ "write what is open", write_text, 0, 0, 0 },
	{ "read a file in tmp/", read_tmp, 1, EACCES, EACCES },
	{ "write over one", overwrite_tmp, 0, 0, EACCES },
	{ "list tmp/", list_tmp, 1, EACCES, EACCES },
	{ "make, rename and remove one", make_in_tmp, 0, 0, 0 },
	{ "make one above tmp/", make_above, 1, EACCES, EACCES },
	{ "make one elsewhere", make_elsewhere, 1, EACCES, EACCES },
	{ "move one out", rename_out, 2, EACCES, EACCES },
	{ "move one in", rename_in, 2, EACCES, EACCES },
	{ "remove one outside", unlink_outside, 1, EACCES, EACCES },
	{ "make a link", make_link, 1, EACCES, SIGSYS_ED },
	{ "make a directory", make_directory, 1, EACCES, SIGSYS_ED },
	{ "run a program", run_program, 1, EACCES, SIGSYS_ED },
	{ "start a process", start_process, 0, 0, SIGSYS_ED },
	{ "start a thread", start_thread, 0, 0, SIGSYS_ED },
	{ "connect", connect_tcp, 4, EACCES, SIGSYS_ED },
	{ "trace its parent", trace_parent, 1, EPERM, SIGSYS_ED },
	{ "signal its parent", signal_parent, 6, EPERM, SIGSYS_ED },
	{ "change its user", more_privileges, 0, 0, SIGSYS_ED },
	{ "run its own memory", memory_to_run, 0, 0, EACCES },
	{ "take much memory", much_memory, 0, 0, ENOMEM },
	{ "write a large file", large_file, 0, 0, EFBIG },
	{ "open many files", many_files, 0, 0, EMFILE },
	{ "give up", give_up, 0, KILLED + SIGABRT, KILLED + SIGABRT },
	{ "give up with musl", give_up_by_thread, 0, KILLED + SIGABRT,
		KILLED + SIGABRT },
	{ "signal itself", signal_by_thread, 0, 0, EACCES },
	{ "make an unknown call", unknown_call, 0, ENOSYS, SIGSYS_ED },
#ifdef __x86_64__
	{ "make a call of x32", call_of_x32, 0, ENOSYS, SIGSYS_ED },
#endif
};

#define DEEDS (int)(sizeof(deeds) / sizeof(*deeds))

static void
listen_somewhere(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	port = a.sin_port;
}

static void
begin(void)
{
	close(unit_dir());
	ck_assert_int_eq(mkdir("tmp", 0777), 0);
	unit_write("tmp/there", "there");
	unit_write("beside", "beside");
	tmp = open("tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	text = memfd_create("text", MFD_CLOEXEC);
	ck_assert_int_ge(text, 0);
	ck_assert_int_eq(write(text, "text", 4), 4);
	listen_somewhere();
}

START_TEST(files)
{
	const struct deed *d = &deeds[_i];

	if (confine_files_version() < d->since)
		return;
	begin();
	ck_assert_msg(inside(d->run, false) == d->files, "%s: %d", d->name,
		inside(d->run, false));
	ck_assert_str_eq(unit_read("beside"), "beside");
}
END_TEST

START_TEST(all)
{
	const struct deed *d = &deeds[_i];

	/* Without Landlock what seccomp does not see is left. */
	if (!has_filter() || confine_files_version() < d->since)
		return;
	begin();
	ck_assert_msg(inside(d->run, true) == d->all, "%s: %d", d->name,
		inside(d->run, true));
}
END_TEST

#ifdef __x86_64__
START_TEST(other_machine)
{
	int how;

	if (!has_filter())
		return;
	begin();
	how = inside(call_of_i386, true);
	/* A kernel without such calls has a word for it, too. */
	ck_assert_msg(how == SIGSYS_ED || how == KILLED + SIGSEGV, "%d", how);
}
END_TEST
#endif

/* Ends when its standard input does. */
static pid_t
start_confined(int *end)
{
	const struct intake_options o = {
		.tmp = tmp, .most_entries = 1000, .most_file_size = 5ull << 30
	};
	struct error err = ERROR_INIT;
	int fds[2], told[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		if (intake_confine_files(&o, &err) < 0 ||
			intake_confine_calls(&o, &err) < 0)
			_exit(255);
		(void)!write(told[1], "x", 1);
		_exit(read(fds[0], &c, 1) != 0);
	}
	close(fds[0]);
	close(told[1]);
	ck_assert_int_eq(read(told[0], &c, 1), 1);
	*end = fds[1];
	return pid;
}

static void
check_limit(pid_t pid, int which, uint64_t most)
{
	struct rlimit r;

	ck_assert_int_eq(prlimit(pid, which, NULL, &r), 0);
	ck_assert_uint_eq(r.rlim_max, most);
}

static void
check_limits(pid_t pid)
{
	check_limit(pid, RLIMIT_CORE, 0);
	check_limit(pid, RLIMIT_NPROC, 0);
	check_limit(pid, RLIMIT_NOFILE, 8);
	check_limit(pid, RLIMIT_FSIZE, 5ull << 30);
	check_limit(pid, RLIMIT_DATA, (1ull << 30) + 1000 * 2048);
}

START_TEST(state)
{
	char path[64];
	const char *status;
	int end, how;
	pid_t pid;

	begin();
	pid = start_confined(&end);
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	status = unit_read(path);
	ck_assert_ptr_nonnull(strstr(status, "NoNewPrivs:\t1\n"));
	if (has_filter()) {
		ck_assert_ptr_nonnull(strstr(status, "Seccomp:\t2\n"));
		check_limits(pid);
	}
	close(end);
	ck_assert_int_eq(waitpid(pid, &how, 0), pid);
	ck_assert_int_eq(how, 0);
}
END_TEST

/* An intake that is told to do what it may not is named for what it did. */
START_TEST(explained)
{
	struct intake in = { .pid = fork() };
	struct error err = ERROR_INIT;

	if (in.pid == 0) {
		raise(SIGSYS);
		_exit(0);
	}
	while (kill(in.pid, 0) == 0 &&
		waitid(P_PID, (id_t)in.pid, &(siginfo_t){ 0 },
			WEXITED | WNOWAIT) < 0)
		;
	ck_assert_int_eq(intake_ended(&in, &err), -1);
	ck_assert_int_eq(err.status, STATUS_TRANSFER);
	ck_assert_ptr_nonnull(strstr(err.text, "system call"));
	/* It is still there to be reaped. */
	ck_assert_int_eq(waitpid(in.pid, NULL, 0), in.pid);
}
END_TEST

/* One that has closed its end and does not go is not waited for. */
START_TEST(stubborn)
{
	struct intake in = { .pid = fork() };
	struct error err = ERROR_INIT;

	if (in.pid == 0)
		for (;;)
			pause();
	ck_assert_int_eq(intake_ended(&in, &err), -1);
	ck_assert_str_eq(err.text, "the intake process ended");
	ck_assert_int_eq(waitpid(in.pid, NULL, 0), in.pid);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("intake_confine");
	TCase *t = tcase_create("intake_confine");

	tcase_add_loop_test(t, files, 0, DEEDS);
	tcase_add_loop_test(t, all, 0, DEEDS);
#ifdef __x86_64__
	tcase_add_test(t, other_machine);
#endif
	tcase_add_test(t, state);
	tcase_add_test(t, explained);
	tcase_add_test(t, stubborn);
	suite_add_tcase(s, t);
	return unit_run(s);
}
