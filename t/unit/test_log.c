#include "base/log.h"

#include "base/error.h"
#include "unit.h"

/* What a test prints goes to a file, which is no terminal. */
static void
capture(void)
{
	int fd;

	unit_dir();
	fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	ck_assert_int_eq(dup2(fd, 2), 2);
}

static void
say_all(void)
{
	log_warn("%s", "w");
	log_info("%s", "i");
	log_verbose("%s", "v");
	log_debug("%s", "d");
}

START_TEST(each_level_prints_what_it_should)
{
	capture();
	log_set_level(LOG_QUIET);
	say_all();
	ck_assert_str_eq(unit_read("log"), "");
	log_set_level(LOG_NORMAL);
	say_all();
	ck_assert_str_eq(unit_read("log"), "warning: w\ni\n");
	ck_assert_int_eq(truncate("log", 0), 0);
	log_set_level(LOG_VERBOSE);
	say_all();
	ck_assert_str_eq(unit_read("log"), "warning: w\ni\nv\n");
	ck_assert_int_eq(truncate("log", 0), 0);
	log_set_level(LOG_DEBUG);
	say_all();
	ck_assert_str_eq(unit_read("log"), "warning: w\ni\nv\ndebug: d\n");
}
END_TEST

START_TEST(an_error_is_printed_even_when_quiet_with_its_hint)
{
	struct error err = ERROR_INIT;

	capture();
	log_set_level(LOG_QUIET);
	error_set(&err, "it failed");
	log_error("deploy", &err);
	ck_assert_str_eq(unit_read("log"), "deploy: it failed\n");
	error_hint(&err, "try this");
	log_error("deploy", &err);
	ck_assert_str_eq(unit_read("log"),
		"deploy: it failed\n"
		"deploy: it failed\ndeploy: try this\n");
}
END_TEST

START_TEST(a_message_cannot_steer_the_terminal)
{
	capture();
	log_set_level(LOG_NORMAL);
	log_info("%s", "a\033[2Jb\nc");
	ck_assert_str_eq(unit_read("log"), "a\\x1b[2Jb\\x0ac\n");
}
END_TEST

START_TEST(nor_can_a_line_that_is_live)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	char said[64] = "";

	ck_assert_int_ge(terminal, 0);
	ck_assert_int_eq(grantpt(terminal), 0);
	ck_assert_int_eq(unlockpt(terminal), 0);
	ck_assert_int_eq(dup2(open(ptsname(terminal), O_RDWR | O_NOCTTY), 2),
		2);
	log_set_level(LOG_NORMAL);
	log_live("a\033[2Jb");
	ck_assert_int_gt(read(terminal, said, sizeof(said) - 1), 0);
	ck_assert_str_eq(said, "\r\033[Ka\\x1b[2Jb");
}
END_TEST

START_TEST(nothing_live_is_written_to_a_file)
{
	capture();
	log_set_level(LOG_NORMAL);
	log_live("50 %");
	log_info("done");
	log_live("");
	ck_assert_str_eq(unit_read("log"), "done\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");

	tcase_add_test(tests, each_level_prints_what_it_should);
	tcase_add_test(tests,
		an_error_is_printed_even_when_quiet_with_its_hint);
	tcase_add_test(tests, a_message_cannot_steer_the_terminal);
	tcase_add_test(tests, nor_can_a_line_that_is_live);
	tcase_add_test(tests, nothing_live_is_written_to_a_file);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
