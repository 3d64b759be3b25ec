#include "base/health.h"

#include "unit.h"

START_TEST(a_line_is_one_of_three_kinds)
{
	ck_assert_int_eq(health_kind("http://127.0.0.1:80/x"), HEALTH_HTTP);
	ck_assert_int_eq(health_kind("https://localhost/"), HEALTH_HTTP);
	ck_assert_int_eq(health_kind("tcp:80"), HEALTH_TCP);
	ck_assert_int_eq(health_kind("curl http://a/"), HEALTH_COMMAND);
	ck_assert_int_eq(health_kind("tcpdump"), HEALTH_COMMAND);
	ck_assert_int_eq(health_kind("httpd -t"), HEALTH_COMMAND);
	ck_assert_int_eq(health_kind(""), HEALTH_COMMAND);
}
END_TEST

static const char *
address(const char *check)
{
	static char text[300];
	struct health_address a;

	if (health_address(check, &a) < 0)
		return "refused";
	snprintf(text, sizeof(text), "%s %s", a.host, a.port);
	return text;
}

START_TEST(where_a_tcp_check_connects_to)
{
	ck_assert_str_eq(address("tcp:80"), "127.0.0.1 80");
	ck_assert_str_eq(address("tcp:0080"), "127.0.0.1 80");
	ck_assert_str_eq(address("tcp:db-1.example:5432"), "db-1.example 5432");
	ck_assert_str_eq(address("tcp:[::1]:8080"), "::1 8080");
	ck_assert_str_eq(address("tcp:65535"), "127.0.0.1 65535");
	ck_assert_str_eq(address("tcp:65536"), "refused");
	ck_assert_str_eq(address("tcp:0"), "refused");
	ck_assert_str_eq(address("tcp:"), "refused");
	ck_assert_str_eq(address("tcp::80"), "refused");
	ck_assert_str_eq(address("tcp:[]:80"), "refused");
	ck_assert_str_eq(address("tcp:::1:80"), "refused");
	ck_assert_str_eq(address("tcp:a b:80"), "refused");
	ck_assert_str_eq(address("tcp:80 "), "refused");
	ck_assert_str_eq(address("tcp:+80"), "refused");
	ck_assert_str_eq(address("http://x/"), "refused");
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	ck_assert_ptr_null(health_refuse("tcp:80"));
	ck_assert_ptr_null(health_refuse("http://[::1]:80/"));
	ck_assert_ptr_null(health_refuse("any command: at all"));
	ck_assert_ptr_nonnull(health_refuse("tcp:x"));
	ck_assert_ptr_nonnull(health_refuse("http://"));
	ck_assert_ptr_nonnull(health_refuse("http:///x"));
	ck_assert_ptr_nonnull(health_refuse("http://a/ b"));
	ck_assert_ptr_nonnull(health_refuse("https://a/\x7f"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("health");
	TCase *t = tcase_create("health");

	tcase_add_test(t, a_line_is_one_of_three_kinds);
	tcase_add_test(t, where_a_tcp_check_connects_to);
	tcase_add_test(t, what_cannot_be_is_refused);
	suite_add_tcase(s, t);
	return unit_run(s);
}
