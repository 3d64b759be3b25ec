#include "client/setup_remote.h"

#include "unit.h"

static struct strv lines;

static int
parse(const char *text, struct error *err)
{
	strv_clear(&lines);
	return setup_remote_parse(text, strlen(text), &lines, err);
}

START_TEST(facts_come_behind_the_mark)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(parse("hello\nos Minix\n\ndeploy-setup 1\nos Linux\n"
			       "home /home/a b\npath \nend 0\n",
				 &err),
		0);
	ck_assert_str_eq(setup_remote_fact(&lines, "os"), "Linux");
	ck_assert_str_eq(setup_remote_fact(&lines, "home"), "/home/a b");
	ck_assert_str_eq(setup_remote_fact(&lines, "path"), "");
	ck_assert_str_eq(setup_remote_fact(&lines, "none"), "");
}
END_TEST

START_TEST(without_its_end_it_was_cut_off)
{
	static const char *const cut[] = { "\ndeploy-setup 1\n",
		"\ndeploy-setup 1\nos Linux\n", "\ndeploy-setup 1\nend 0",
		"\ndeploy-setup 1\nend\n" };
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		ck_assert_int_lt(parse(cut[i], &err), 0);
		ck_assert_int_eq(err.status, STATUS_TRANSFER);
	}
}
END_TEST

START_TEST(a_failure_gives_its_reason)
{
	struct error err = ERROR_INIT;

	ck_assert_int_lt(parse("\ndeploy-setup 1\nfail no room\nend 4\n", &err),
		0);
	ck_assert_int_eq(err.status, STATUS_REFUSED);
	ck_assert_str_eq(err.text, "no room");
	ck_assert_int_lt(parse("\ndeploy-setup 1\nend 1\n", &err), 0);
	ck_assert_int_eq(err.status, STATUS_REFUSED);
}
END_TEST

START_TEST(what_is_not_ours_is_told_apart)
{
	struct error err = ERROR_INIT;

	ck_assert_int_lt(parse("deploy-protocol 1\nhello 1\n", &err), 0);
	ck_assert_int_eq(err.status, STATUS_REFUSED);
	ck_assert_int_lt(parse("", &err), 0);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_int_lt(parse("go away", &err), 0);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_ptr_nonnull(strstr(err.text, "go away"));
}
END_TEST

/* What would end or change them in one login shell or another. */
START_TEST(scripts_survive_any_shell)
{
	static const char *const scripts[] = { setup_probe, setup_install,
		setup_again, setup_remove };
	size_t i;

	for (i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		ck_assert_ptr_null(strpbrk(scripts[i], "'!\n"));
		ck_assert_ptr_null(strstr(scripts[i], "\\\\"));
		ck_assert_uint_lt(strlen(scripts[i]), 4096);
	}
}
END_TEST

static void
forget(void)
{
	strv_release(&lines);
}

int
main(void)
{
	Suite *suite = suite_create("setup_remote");
	TCase *tests = tcase_create("setup_remote");

	tcase_add_checked_fixture(tests, NULL, forget);
	tcase_add_test(tests, facts_come_behind_the_mark);
	tcase_add_test(tests, without_its_end_it_was_cut_off);
	tcase_add_test(tests, a_failure_gives_its_reason);
	tcase_add_test(tests, what_is_not_ours_is_told_apart);
	tcase_add_test(tests, scripts_survive_any_shell);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
