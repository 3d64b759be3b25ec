#include "base/replace.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/error.h"
#include "unit.h"

static int
entries(void)
{
	DIR *dir = opendir(".");
	int n = -2;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

START_TEST(a_file_is_made_and_then_replaced_whole)
{
	int dir = unit_dir();
	struct error err = ERROR_INIT;
	struct stat st;

	umask(022);
	ck_assert_int_eq(replace_file(dir, "f", "longer text", 11, 0600,
				 REPLACE_SYNC, &err),
		0);
	ck_assert_str_eq(unit_read("f"), "longer text");
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(replace_file(dir, "f", "new", 3, 0644, REPLACE_FAST,
				 &err),
		0);
	ck_assert_str_eq(unit_read("f"), "new");
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(entries(), 1);
}
END_TEST

START_TEST(readers_see_the_old_text_or_the_new)
{
	char a[3000], b[3000];
	int dir = unit_dir(), i;
	struct error err = ERROR_INIT;
	pid_t pid;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	replace_file(dir, "f", a, sizeof(a), 0644, REPLACE_FAST, &err);
	pid = fork();
	if (pid == 0)
		for (i = 0;; i++)
			replace_file(dir, "f", i & 1 ? a : b, sizeof(a), 0644,
				REPLACE_FAST, &err);
	for (i = 0; i < 3000; i++) {
		const char *text = unit_read("f");

		ck_assert_uint_eq(strlen(text), sizeof(a));
		ck_assert(!memcmp(text, a, sizeof(a)) ||
			!memcmp(text, b, sizeof(b)));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(a_link_in_the_file_s_place_is_replaced_not_followed)
{
	int dir = unit_dir();
	struct error err = ERROR_INIT;
	struct stat st;

	unit_write("victim", "precious");
	ck_assert_int_eq(symlink("victim", "f"), 0);
	ck_assert_int_eq(replace_file(dir, "f", "x", 1, 0644, REPLACE_FAST,
				 &err),
		0);
	ck_assert_str_eq(unit_read("victim"), "precious");
	ck_assert_int_eq(lstat("f", &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(what_a_crash_left_is_neither_followed_nor_reused)
{
	int dir = unit_dir();
	struct error err = ERROR_INIT;
	struct stat st;
	char tmp[64];

	snprintf(tmp, sizeof(tmp), "f.%ld.tmp", (long)getpid());
	unit_write("victim", "precious");
	ck_assert_int_eq(symlink("victim", tmp), 0);
	ck_assert_int_eq(replace_file(dir, "f", "x", 1, 0600, REPLACE_FAST,
				 &err),
		0);
	ck_assert_str_eq(unit_read("victim"), "precious");
	unit_write(tmp, "stale and readable by all");
	ck_assert_int_eq(replace_file(dir, "f", "y", 1, 0600, REPLACE_FAST,
				 &err),
		0);
	ck_assert_str_eq(unit_read("f"), "y");
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_failure_keeps_the_old_file_and_leaves_nothing_behind)
{
	int dir = unit_dir();
	struct error err = ERROR_INIT;

	ck_assert_int_eq(mkdir("d", 0755), 0);
	unit_write("d/x", "x");
	ck_assert_int_eq(replace_file(dir, "d", "x", 1, 0644, REPLACE_FAST,
				 &err),
		-1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot write d: "));
	ck_assert_int_eq(entries(), 1);
	ck_assert_int_eq(replace_file(dir, "none/f", "x", 1, 0644, REPLACE_FAST,
				 &err),
		-1);
}
END_TEST

START_TEST(a_link_always_resolves_while_it_is_pointed_elsewhere)
{
	int dir = unit_dir(), i;
	struct error err = ERROR_INIT;
	pid_t pid;

	ck_assert_int_eq(mkdir("one", 0755), 0);
	ck_assert_int_eq(mkdir("two", 0755), 0);
	ck_assert_int_eq(replace_link(dir, "current", "one", REPLACE_SYNC,
				 &err),
		0);
	pid = fork();
	if (pid == 0)
		for (i = 0;; i++)
			replace_link(dir, "current", i & 1 ? "one" : "two",
				REPLACE_FAST, &err);
	for (i = 0; i < 20000; i++)
		ck_assert_int_eq(access("current/.", X_OK), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(a_link_may_dangle_and_replaces_what_a_crash_left)
{
	int dir = unit_dir();
	struct error err = ERROR_INIT;
	char tmp[64], target[64] = "";

	snprintf(tmp, sizeof(tmp), "current.%ld.tmp", (long)getpid());
	unit_write(tmp, "left");
	ck_assert_int_eq(replace_link(dir, "current", "releases/x",
				 REPLACE_SYNC, &err),
		0);
	ck_assert_int_eq(readlink("current", target, sizeof(target)), 10);
	ck_assert_str_eq(target, "releases/x");
	ck_assert_int_eq(entries(), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replace");
	TCase *tests = tcase_create("replace");

	tcase_add_test(tests, a_file_is_made_and_then_replaced_whole);
	tcase_add_test(tests, readers_see_the_old_text_or_the_new);
	tcase_add_test(tests,
		a_link_in_the_file_s_place_is_replaced_not_followed);
	tcase_add_test(tests, what_a_crash_left_is_neither_followed_nor_reused);
	tcase_add_test(tests,
		a_failure_keeps_the_old_file_and_leaves_nothing_behind);
	tcase_add_test(tests,
		a_link_always_resolves_while_it_is_pointed_elsewhere);
	tcase_add_test(tests, a_link_may_dangle_and_replaces_what_a_crash_left);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
