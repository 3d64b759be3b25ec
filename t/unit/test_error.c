#include "base/error.h"

#include <errno.h>

#include "unit.h"

START_TEST(setters_give_minus_one_and_a_fresh_error)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(error_status(&err, STATUS_BUSY, "busy: %s", "x"), -1);
	ck_assert_int_eq(err.status, STATUS_BUSY);
	ck_assert_int_eq(error_hint(&err, "wait for %d", 5), -1);
	ck_assert_str_eq(err.text, "busy: x");
	ck_assert_str_eq(err.hint, "wait for 5");
	ck_assert_int_eq(error_set(&err, "other"), -1);
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(errno_is_appended_and_kept)
{
	struct error err = ERROR_INIT;

	errno = ENOENT;
	ck_assert_int_eq(error_errno(&err, "%s", "file"), -1);
	ck_assert_str_eq(err.text, "file: No such file or directory");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_prefix_keeps_status_text_and_hint)
{
	struct error err = ERROR_INIT;

	error_status(&err, STATUS_REFUSED, "no");
	error_hint(&err, "hint");
	ck_assert_int_eq(error_prefix(&err, "%s: ", "web1"), -1);
	ck_assert_str_eq(err.text, "web1: no");
	ck_assert_str_eq(err.hint, "hint");
	ck_assert_int_eq(err.status, STATUS_REFUSED);
}
END_TEST

START_TEST(so_does_what_is_added)
{
	struct error err = ERROR_INIT;

	error_status(&err, STATUS_REFUSED, "no");
	error_hint(&err, "hint");
	ck_assert_int_eq(error_add(&err, "; %s", "never"), -1);
	ck_assert_str_eq(err.text, "no; never");
	ck_assert_str_eq(err.hint, "hint");
	ck_assert_int_eq(err.status, STATUS_REFUSED);
}
END_TEST

START_TEST(long_texts_are_cut_not_overrun)
{
	struct error err = ERROR_INIT;
	char text[4000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	errno = EIO;
	error_errno(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	error_prefix(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	error_add(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	error_hint(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.hint), sizeof(err.hint) - 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("error");
	TCase *tests = tcase_create("error");

	tcase_add_test(tests, setters_give_minus_one_and_a_fresh_error);
	tcase_add_test(tests, errno_is_appended_and_kept);
	tcase_add_test(tests, a_prefix_keeps_status_text_and_hint);
	tcase_add_test(tests, so_does_what_is_added);
	tcase_add_test(tests, long_texts_are_cut_not_overrun);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
