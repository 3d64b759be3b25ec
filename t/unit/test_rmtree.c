#include "base/rmtree.h"

#include <errno.h>

#include "unit.h"

START_TEST(anything_is_removed_and_a_missing_name_is_fine)
{
	int dir = unit_dir();

	unit_write("file", "x");
	ck_assert_int_eq(symlink("nowhere", "link"), 0);
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("d/e", 0755), 0);
	unit_write("d/e/.hidden", "x");
	unit_write("d/f", "x");
	ck_assert_int_eq(mkfifo("d/fifo", 0644), 0);
	ck_assert_int_eq(rmtree_at(dir, "file"), 0);
	ck_assert_int_eq(rmtree_at(dir, "link"), 0);
	ck_assert_int_eq(rmtree_at(dir, "d"), 0);
	ck_assert_int_eq(rmtree_at(dir, "d"), 0);
	ck_assert_int_lt(access("file", F_OK), 0);
	ck_assert_int_lt(access("d", F_OK), 0);
	ck_assert_int_eq(unlink("link"), -1);
}
END_TEST

START_TEST(links_are_removed_not_followed)
{
	int dir = unit_dir();

	ck_assert_int_eq(mkdir("keep", 0755), 0);
	unit_write("keep/file", "precious");
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(symlink("../keep", "d/link"), 0);
	ck_assert_int_eq(symlink("../keep/file", "d/file"), 0);
	ck_assert_int_eq(symlink("keep", "top"), 0);
	ck_assert_int_eq(rmtree_at(dir, "d"), 0);
	ck_assert_int_eq(rmtree_at(dir, "top"), 0);
	ck_assert_str_eq(unit_read("keep/file"), "precious");
}
END_TEST

START_TEST(directories_that_were_made_unwritable_are_opened_up)
{
	int dir = unit_dir();

	unit_drop_root();
	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("d/e", 0755), 0);
	ck_assert_int_eq(mkdir("d/e/f", 0755), 0);
	unit_write("d/e/f/x", "x");
	ck_assert_int_eq(mkdir("d/none", 0755), 0);
	unit_write("d/none/x", "x");
	ck_assert_int_eq(chmod("d/none", 0), 0);
	ck_assert_int_eq(chmod("d/e/f", 0300), 0);
	ck_assert_int_eq(chmod("d/e", 0444), 0);
	ck_assert_int_eq(chmod("d", 0555), 0);
	ck_assert_int_eq(rmtree_at(dir, "d"), 0);
	ck_assert_int_lt(access("d", F_OK), 0);
}
END_TEST

START_TEST(the_directory_it_is_called_in_keeps_its_mode)
{
	int dir = unit_dir();
	struct stat st;

	unit_drop_root();
	ck_assert_int_eq(mkdir("d", 0755), 0);
	unit_write("d/x", "x");
	ck_assert_int_eq(chmod(".", 0555), 0);
	errno = 0;
	ck_assert_int_eq(rmtree_at(dir, "d"), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(fstat(dir, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0555);
	chmod(".", 0755);
}
END_TEST

START_TEST(the_first_failure_is_reported_after_the_rest_is_gone)
{
	int dir = unit_dir();
	int keep;

	unit_drop_root();
	ck_assert_int_eq(mkdir("d", 0755), 0);
	unit_write("d/a", "x");
	ck_assert_int_eq(mkdir("d/b", 0755), 0);
	unit_write("d/b/c", "x");
	/* Searchable and not writable, and removal acts on d/b alone. */
	ck_assert_int_eq(chmod("d", 0555), 0);
	keep = open("d", O_RDONLY | O_DIRECTORY);
	errno = 0;
	ck_assert_int_eq(rmtree_at(keep, "b"), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_lt(access("d/b/c", F_OK), 0);
	ck_assert_int_eq(access("d/b", F_OK), 0);
	chmod("d", 0755);
	ck_assert_int_eq(rmtree_at(dir, "d"), 0);
}
END_TEST

START_TEST(a_tree_deeper_than_there_are_descriptors_is_removed)
{
	int dir = unit_dir(), at = dup(dir), i;

	for (i = 0; i < 3000; i++) {
		int next;

		ck_assert_int_eq(mkdirat(at, "deep.1", 0755), 0);
		if (i % 100 == 0)
			ck_assert_int_eq(mkdirat(at, "side", 0555), 0);
		next = openat(at, "deep.1", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	close(at);
	ck_assert_int_eq(rmtree_at(dir, "deep.1"), 0);
	ck_assert_int_lt(access("deep.1", F_OK), 0);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	int dir = unit_dir(), before = dup(dir), after;

	close(before);
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	rmtree_at(dir, "d");
	rmtree_at(dir, "none/x");
	after = dup(dir);
	ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(contents_go_and_their_directory_stays)
{
	int dir = unit_dir(), top;

	ck_assert_int_eq(mkdir("top", 0755), 0);
	ck_assert_int_eq(mkdir("top/a", 0755), 0);
	ck_assert_int_eq(mkdir("top/b", 0755), 0);
	unit_write("top/a/file", "x");
	unit_write("outside", "stays");
	ck_assert_int_eq(symlink("../outside", "top/link"), 0);
	top = openat(dir, "top", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(top, 0);
	ck_assert_int_eq(rmtree_contents(top), 0);
	/* Empty, hence it can be removed; the handle is still the caller's. */
	ck_assert_int_eq(rmtree_contents(top), 0);
	ck_assert_int_eq(rmdir("top"), 0);
	ck_assert_str_eq(unit_read("outside"), "stays");
	close(top);
	close(dir);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rmtree");
	TCase *tests = tcase_create("rmtree");

	tcase_add_test(tests, anything_is_removed_and_a_missing_name_is_fine);
	tcase_add_test(tests, links_are_removed_not_followed);
	tcase_add_test(tests,
		directories_that_were_made_unwritable_are_opened_up);
	tcase_add_test(tests, the_directory_it_is_called_in_keeps_its_mode);
	tcase_add_test(tests,
		the_first_failure_is_reported_after_the_rest_is_gone);
	tcase_add_test(tests,
		a_tree_deeper_than_there_are_descriptors_is_removed);
	tcase_add_test(tests, no_descriptor_is_left_open);
	tcase_add_test(tests, contents_go_and_their_directory_stays);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
