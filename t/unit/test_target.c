#include "client/project.h"
#include "unit.h"

static struct target t;
static struct error err;

static bool
parses(const char *text)
{
	target_release(&t);
	err = (struct error)ERROR_INIT;
	return target_parse(&t, text, &err) == 0;
}

START_TEST(the_short_form)
{
	ck_assert(parses("ann@web1:blog"));
	ck_assert_str_eq(t.user, "ann");
	ck_assert_str_eq(t.host, "web1");
	ck_assert_str_eq(t.app, "blog");
	ck_assert_int_eq(t.port, 0);
	ck_assert(!t.local);
	ck_assert(parses("web1:my.app_2-x"));
	ck_assert_ptr_null(t.user);
	ck_assert(parses("ann@corp@web1:blog"));
	ck_assert_str_eq(t.user, "ann@corp");
	ck_assert(parses("ann@[2001:db8::1]:blog"));
	ck_assert_str_eq(t.host, "2001:db8::1");
}
END_TEST

START_TEST(the_url_form)
{
	ck_assert(parses("ssh://ann@web1:2222/blog"));
	ck_assert_str_eq(t.user, "ann");
	ck_assert_str_eq(t.host, "web1");
	ck_assert_int_eq(t.port, 2222);
	ck_assert_str_eq(t.app, "blog");
	ck_assert(parses("ssh://[::1]/blog"));
	ck_assert_str_eq(t.host, "::1");
	ck_assert_int_eq(t.port, 0);
}
END_TEST

START_TEST(local_is_this_machine_unless_it_has_a_user)
{
	ck_assert(parses("local:blog"));
	ck_assert(t.local);
	ck_assert_ptr_null(t.host);
	ck_assert(parses("ann@local:blog"));
	ck_assert(!t.local);
	ck_assert_str_eq(t.host, "local");
}
END_TEST

START_TEST(what_is_no_target_is_a_usage_error_with_a_hint)
{
	static const char *const bad[] = { "", "web1", "web1:", ":blog",
		"web1:Blog", "web1:a..b", "web1:.hidden", "web1:a/b",
		"-oProxyCommand=x:blog", "ann@-x:blog", "-l@web1:blog",
		"we b1:blog", "web1\n:blog", "$(id):blog", "`id`:blog",
		"a;b:blog", "http://web1/blog", "ssh://web1", "ssh://web1/",
		"ssh://web1:0/blog", "ssh://web1:65536/blog",
		"ssh://web1:22x/blog", "ssh://web1:/blog",
		"ssh://ann:secret@web1/blog", "ssh://[::1/blog", "[::1:blog",
		"x[::1]:blog", "ssh://web1/a/b" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(!parses(bad[i]), "%s is taken", bad[i]);
		ck_assert_int_eq(err.status, STATUS_USAGE);
		ck_assert_msg(err.text[0] && err.hint[0], "%s", bad[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("target");
	TCase *tests = tcase_create("target");

	tcase_add_test(tests, the_short_form);
	tcase_add_test(tests, the_url_form);
	tcase_add_test(tests, local_is_this_machine_unless_it_has_a_user);
	tcase_add_test(tests, what_is_no_target_is_a_usage_error_with_a_hint);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
