#include "base/io.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/error.h"
#include "unit.h"

START_TEST(a_full_read_waits_for_every_piece)
{
	char text[8] = "";
	int fd[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		io_write_full(fd[1], "ab", 2);
		usleep(20000);
		io_write_full(fd[1], "cdef", 4);
		_exit(0);
	}
	close(fd[1]);
	ck_assert_int_eq(io_read_full(fd[0], text, 4), 4);
	ck_assert_str_eq(text, "abcd");
	ck_assert_int_eq(io_read_full(fd[0], text, 4), 2);
	ck_assert_int_eq(io_read_full(fd[0], text, 4), 0);
	waitpid(pid, NULL, 0);
}
END_TEST

static void
on_alarm(int sig)
{
}

START_TEST(signals_do_not_cut_a_read_or_a_write)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	static char text[1 << 20];
	int fd[2], status;
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		int i;

		close(fd[1]);
		for (i = 0; i < 20; i++) {
			usleep(2000);
			kill(getppid(), SIGUSR1);
		}
		_exit(io_read_full(fd[0], text, sizeof(text)) != sizeof(text));
	}
	close(fd[0]);
	ck_assert_int_eq(io_write_full(fd[1], text, sizeof(text)), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_full_write_waits_where_the_descriptor_does_not_block)
{
	static char text[1 << 20];
	int fd[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(io_nonblock(fd[1]), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[1]);
		usleep(50000);
		_exit(io_read_full(fd[0], text, sizeof(text)) != sizeof(text));
	}
	close(fd[0]);
	ck_assert_int_eq(io_write_full(fd[1], text, sizeof(text)), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(one_read_adds_to_a_buffer_and_one_write_takes_from_it)
{
	struct buf b = BUF_INIT;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(io_nonblock(fd[0]), 0);
	ck_assert_int_eq(io_read_some(fd[0], &b, 100), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_str_eq(buf_str(&b), "");
	buf_addstr(&b, "hello");
	ck_assert_int_eq(io_write_some(fd[1], &b, SIZE_MAX), 0);
	ck_assert_uint_eq(b.len, 0);
	buf_addstr(&b, "> ");
	ck_assert_int_eq(io_read_some(fd[0], &b, 3), 3);
	ck_assert_int_eq(io_read_some(fd[0], &b, 100), 2);
	ck_assert_str_eq(buf_str(&b), "> hello");
	close(fd[1]);
	ck_assert_int_eq(io_read_some(fd[0], &b, 100), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_write_that_takes_a_part_keeps_the_rest)
{
	static char text[1 << 20];
	struct buf b = BUF_INIT;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(io_nonblock(fd[1]), 0);
	buf_add(&b, text, sizeof(text));
	ck_assert_int_eq(io_write_some(fd[1], &b, SIZE_MAX), 0);
	ck_assert_uint_gt(b.len, 0);
	ck_assert_uint_lt(b.len, sizeof(text));
	ck_assert_int_eq(io_write_some(fd[1], &b, SIZE_MAX), -1);
	ck_assert_int_eq(errno, EAGAIN);
	buf_release(&b);
}
END_TEST

START_TEST(a_whole_file_is_read_up_to_its_bound)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;
	int dir = unit_dir();

	unit_write("f", "0123456789");
	ck_assert_int_eq(io_read_file(dir, "f", 10, &b, &err), 0);
	ck_assert_str_eq(buf_str(&b), "0123456789");
	buf_clear(&b);
	errno = 0;
	ck_assert_int_eq(io_read_file(dir, "f", 9, &b, &err), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_str_eq(err.text, "f: File too large");
	ck_assert_int_eq(io_read_file(dir, "none", 9, &b, &err), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(io_read_file(dir, ".", 9, &b, &err), -1);
	buf_release(&b);
}
END_TEST

START_TEST(an_empty_file_reads_as_an_empty_string)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;
	int dir = unit_dir();

	unit_write("empty", "");
	ck_assert_int_eq(io_read_file(dir, "empty", 10, &b, &err), 0);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
}
END_TEST

START_TEST(closing_keeps_errno_and_forgets_the_number)
{
	int fd = dup(0), old = fd;

	errno = EBUSY;
	io_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(fcntl(old, F_GETFD), -1);
	errno = EBUSY;
	io_close(&fd);
	ck_assert_int_eq(errno, EBUSY);
}
END_TEST

START_TEST(the_clocks_advance_in_their_units)
{
	int64_t ms = io_now_ms(), ns = io_wall_ns();

	usleep(30000);
	ck_assert_int_ge(io_now_ms() - ms, 30);
	ck_assert_int_lt(io_now_ms() - ms, 20000);
	ck_assert_int_ge(io_wall_ns() - ns, 30000000);
	ck_assert_int_gt(ns, 1500000000LL * 1000000000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("io");
	TCase *tests = tcase_create("io");

	tcase_add_test(tests, a_full_read_waits_for_every_piece);
	tcase_add_test(tests, signals_do_not_cut_a_read_or_a_write);
	tcase_add_test(tests,
		a_full_write_waits_where_the_descriptor_does_not_block);
	tcase_add_test(tests,
		one_read_adds_to_a_buffer_and_one_write_takes_from_it);
	tcase_add_test(tests, a_write_that_takes_a_part_keeps_the_rest);
	tcase_add_test(tests, a_whole_file_is_read_up_to_its_bound);
	tcase_add_test(tests, an_empty_file_reads_as_an_empty_string);
	tcase_add_test(tests, closing_keeps_errno_and_forgets_the_number);
	tcase_add_test(tests, the_clocks_advance_in_their_units);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
