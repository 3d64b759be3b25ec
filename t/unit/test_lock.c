#include "base/lock.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit.h"

START_TEST(one_holds_it_and_the_others_are_told_who)
{
	int dir = unit_dir(), fd;
	char text[64];

	ck_assert_int_eq(lock_held(dir, "lock", text, sizeof(text)), 0);
	fd = lock_take(dir, "lock", "alice");
	ck_assert_int_ge(fd, 0);
	errno = 0;
	ck_assert_int_eq(lock_take(dir, "lock", "bob"), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	ck_assert_int_eq(lock_held(dir, "lock", text, sizeof(text)), 1);
	ck_assert_str_eq(text, "alice");
	ck_assert_int_eq(lock_held(dir, "lock", text, 4), 1);
	ck_assert_str_eq(text, "ali");
	close(fd);
	ck_assert_int_eq(lock_held(dir, "lock", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	fd = lock_take(dir, "lock", "bob");
	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(unit_read("lock"), "bob");
}
END_TEST

START_TEST(a_killed_holder_frees_it)
{
	int dir = unit_dir(), ready[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		lock_take(dir, "lock", "child");
		io_write_full(ready[1], "x", 1);
		pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(lock_take(dir, "lock", "me"), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_ge(lock_take(dir, "lock", "me"), 0);
}
END_TEST

START_TEST(a_program_that_is_run_does_not_inherit_it)
{
	int dir = unit_dir(), fd = lock_take(dir, "lock", "me");
	pid_t pid = fork();

	if (pid == 0) {
		execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	close(fd);
	while ((fd = lock_take(dir, "lock", "again")) < 0)
		usleep(1000); /* until the child has executed */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(asking_whether_it_is_held_never_gets_in_the_way)
{
	int dir = unit_dir(), i;
	char text[64];
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			lock_held(dir, "lock", text, sizeof(text));
	for (i = 0; i < 20000; i++) {
		int fd = lock_take(dir, "lock", "me");

		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(it_can_be_freed_whoever_else_has_it_open)
{
	int dir = unit_dir(), fd = lock_take(dir, "lock", "me");
	int copy = dup(fd);

	lock_release(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_ge(lock_take(dir, "lock", "you"), 0);
	close(copy);
	lock_release(&fd);
}
END_TEST

START_TEST(a_link_in_its_place_is_not_followed)
{
	int dir = unit_dir();

	unit_write("victim", "precious");
	ck_assert_int_eq(symlink("victim", "lock"), 0);
	ck_assert_int_eq(lock_take(dir, "lock", "me"), -1);
	ck_assert_str_eq(unit_read("victim"), "precious");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lock");
	TCase *tests = tcase_create("lock");

	tcase_add_test(tests, one_holds_it_and_the_others_are_told_who);
	tcase_add_test(tests, a_killed_holder_frees_it);
	tcase_add_test(tests, a_program_that_is_run_does_not_inherit_it);
	tcase_add_test(tests, asking_whether_it_is_held_never_gets_in_the_way);
	tcase_add_test(tests, it_can_be_freed_whoever_else_has_it_open);
	tcase_add_test(tests, a_link_in_its_place_is_not_followed);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
