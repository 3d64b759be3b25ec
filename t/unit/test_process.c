#include "base/process.h"

#include <errno.h>
#include <signal.h>

#include "base/buf.h"
#include "base/error.h"
#include "unit.h"

static struct error err;

static int
run(struct process_options *o, const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	pid_t pid;

	o->argv = argv;
	pid = process_start(o, &err);
	ck_assert_int_gt(pid, 0);
	return process_wait(pid);
}

static int
output(const char *script, struct buf *out)
{
	const char *argv[] = { "sh", "-c", script, NULL };

	buf_clear(out);
	return process_output(argv, NULL, -1, 100000, out, &err);
}

START_TEST(exit_statuses_and_signals_come_back)
{
	struct process_options o = PROCESS_OPTIONS_INIT;

	ck_assert_int_eq(run(&o, "exit 0"), 0);
	ck_assert_int_eq(run(&o, "exit 42"), 42);
	ck_assert_int_eq(run(&o, "exit 127"), 127);
	ck_assert_int_eq(run(&o, "kill -TERM $$"), 128 + SIGTERM);
	ck_assert_int_eq(run(&o, "kill -KILL $$"), 128 + SIGKILL);
}
END_TEST

START_TEST(a_program_that_cannot_run_is_an_error_not_a_status)
{
	const char *argv[] = { "no-such-program", NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;

	o.argv = argv;
	errno = 0;
	ck_assert_int_eq(process_start(&o, &err), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(err.text,
		"cannot run no-such-program: No such file or directory");
	argv[0] = "/etc/passwd";
	ck_assert_int_eq(process_start(&o, &err), -1);
}
END_TEST

START_TEST(arguments_are_never_seen_by_a_shell)
{
	const char *argv[] = { "printf", "%s|", "$(touch evil)", "a b", ";x",
		"", NULL };
	struct buf out = BUF_INIT;

	unit_dir();
	ck_assert_int_eq(process_output(argv, NULL, -1, 1000, &out, &err), 0);
	ck_assert_str_eq(buf_str(&out), "$(touch evil)|a b|;x||");
	ck_assert_int_lt(access("evil", F_OK), 0);
	buf_release(&out);
}
END_TEST

START_TEST(the_environment_and_directory_are_those_given)
{
	char only[] = "ONLY=this", path[] = "PATH=/usr/bin:/bin";
	char *envp[] = { only, path, NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	int dir = unit_dir();

	setenv("OTHER", "x", 1);
	o.envp = envp;
	o.cwd = dir;
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(run(&o, "echo $ONLY-$OTHER >here"), 0);
	ck_assert_int_eq(fchdir(dir), 0);
	ck_assert_str_eq(unit_read("here"), "this-\n");
}
END_TEST

START_TEST(descriptors_may_be_given_crosswise)
{
	struct process_options o = PROCESS_OPTIONS_INIT;
	int dir = unit_dir(), a, b;

	unit_write("in", "from the file");
	close(0);
	a = open("out", O_RDWR | O_CREAT, 0644); /* is 0 */
	b = open("in", O_RDONLY);
	ck_assert_int_eq(a, 0);
	o.fds[0] = b;
	o.fds[1] = a;
	o.fds[2] = a;
	ck_assert_int_eq(run(&o, "cat; echo error >&2"), 0);
	ck_assert_str_eq(unit_read("out"), "from the fileerror\n");
	close(dir);
}
END_TEST

START_TEST(minus_one_is_dev_null)
{
	struct process_options o = PROCESS_OPTIONS_INIT;

	unit_dir();
	o.fds[0] = o.fds[1] = o.fds[2] = -1;
	ck_assert_int_eq(run(&o,
				 "for i in 0 1 2; do\n"
				 "test /proc/self/fd/$i -ef /dev/null ||\n"
				 "exit 1; done; cat; echo x; echo x >&2"),
		0);
}
END_TEST

START_TEST(no_other_descriptor_reaches_the_program)
{
	struct process_options o = PROCESS_OPTIONS_INIT;
	int dir = unit_dir();

	/* Without close-on-exec, as a library or our parent left them. */
	ck_assert_int_eq(dup2(dir, 7), 7);
	ck_assert_int_eq(dup2(dir, 77), 77);
	o.fds[0] = -1;
	ck_assert_int_eq(run(&o,
				 "for i in 3 4 5 6 7 8 9 77; do\n"
				 "test -e /proc/$$/fd/$i && exit 1\n"
				 "done; exit 0"),
		0);
}
END_TEST

START_TEST(signals_are_as_a_program_expects_them)
{
	struct process_options o = PROCESS_OPTIONS_INIT;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(run(&o, "kill -TERM $$"), 128 + SIGTERM);
	ck_assert_int_eq(run(&o, "kill -PIPE $$"), 128 + SIGPIPE);
}
END_TEST

START_TEST(a_group_of_its_own_is_killed_as_one)
{
	const char *argv[] = { "sh", "-c", "sleep 60 & sleep 60", NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	pid_t pid;

	o.argv = argv;
	o.group = true;
	pid = process_start(&o, &err);
	ck_assert_int_eq(getpgid(pid), pid);
	ck_assert_int_eq(kill(-pid, SIGKILL), 0);
	ck_assert_int_eq(process_wait(pid), 128 + SIGKILL);
}
END_TEST

START_TEST(output_is_collected_and_bounded)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(output("echo out; echo err >&2; exit 3", &out), 3);
	ck_assert_str_eq(buf_str(&out), "out\n");
	ck_assert_int_eq(output("true", &out), 0);
	ck_assert_str_eq(buf_str(&out), "");
	ck_assert_int_eq(output("yes", &out), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 100000 bytes"));
	buf_release(&out);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	struct process_options o = PROCESS_OPTIONS_INIT;
	const char *argv[] = { "no-such-program", NULL };
	struct buf out = BUF_INIT;
	int before = dup(0), after;

	close(before);
	run(&o, "true");
	output("echo x", &out);
	process_output(argv, NULL, -1, 10, &out, &err);
	after = dup(0);
	ck_assert_int_eq(after, before);
	buf_release(&out);
}
END_TEST

START_TEST(a_child_can_close_all_but_what_it_needs)
{
	int dir = unit_dir(), a = dup(dir), b = dup2(dir, 200), keep[2], bad;
	pid_t pid;

	keep[0] = b;
	keep[1] = 2;
	pid = fork();
	if (pid == 0) {
		process_close_all_but(keep, 2);
		bad = fcntl(2, F_GETFD) < 0 || fcntl(b, F_GETFD) < 0 ||
			fcntl(a, F_GETFD) >= 0 || fcntl(0, F_GETFD) >= 0 ||
			fcntl(dir, F_GETFD) >= 0;
		_exit(bad);
	}
	ck_assert_int_eq(process_wait(pid), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("process");
	TCase *tests = tcase_create("process");

	tcase_add_test(tests, exit_statuses_and_signals_come_back);
	tcase_add_test(tests,
		a_program_that_cannot_run_is_an_error_not_a_status);
	tcase_add_test(tests, arguments_are_never_seen_by_a_shell);
	tcase_add_test(tests, the_environment_and_directory_are_those_given);
	tcase_add_test(tests, descriptors_may_be_given_crosswise);
	tcase_add_test(tests, minus_one_is_dev_null);
	tcase_add_test(tests, no_other_descriptor_reaches_the_program);
	tcase_add_test(tests, signals_are_as_a_program_expects_them);
	tcase_add_test(tests, a_group_of_its_own_is_killed_as_one);
	tcase_add_test(tests, output_is_collected_and_bounded);
	tcase_add_test(tests, no_descriptor_is_left_open);
	tcase_add_test(tests, a_child_can_close_all_but_what_it_needs);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
