#include "client/report.h"

#include <time.h>

#include "unit.h"

static struct buf b;

static const char *
bytes(uint64_t n)
{
	buf_clear(&b);
	report_bytes(&b, n);
	return b.data;
}

static const char *
count(uint64_t n)
{
	buf_clear(&b);
	report_count(&b, n);
	return b.data;
}

static const char *
seconds(int64_t ms)
{
	buf_clear(&b);
	report_seconds(&b, ms);
	return b.data;
}

START_TEST(bytes_have_the_largest_unit_that_is_below_a_thousand)
{
	ck_assert_str_eq(bytes(0), "0 B");
	ck_assert_str_eq(bytes(999), "999 B");
	ck_assert_str_eq(bytes(1000), "1.0 KB");
	ck_assert_str_eq(bytes(12100), "12.1 KB");
	ck_assert_str_eq(bytes(999949), "999.9 KB");
	ck_assert_str_eq(bytes(999950), "1.0 MB");
	ck_assert_str_eq(bytes(59800000), "59.8 MB");
	ck_assert_str_eq(bytes(UINT64_MAX), "18446.7 PB");
}
END_TEST

START_TEST(counts_are_grouped_by_three)
{
	ck_assert_str_eq(count(0), "0");
	ck_assert_str_eq(count(999), "999");
	ck_assert_str_eq(count(4833), "4,833");
	ck_assert_str_eq(count(1234567), "1,234,567");
	ck_assert_str_eq(count(UINT64_MAX), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(a_minute_and_more_has_minutes)
{
	ck_assert_str_eq(seconds(0), "0.0 s");
	ck_assert_str_eq(seconds(400), "0.4 s");
	ck_assert_str_eq(seconds(59900), "59.9 s");
	ck_assert_str_eq(seconds(59960), "1 min 00 s");
	ck_assert_str_eq(seconds(60000), "1 min 00 s");
	ck_assert_str_eq(seconds(119600), "2 min 00 s");
	ck_assert_str_eq(seconds(754000), "12 min 34 s");
}
END_TEST

static const char *
age(time_t before)
{
	buf_clear(&b);
	report_time(&b, (uint64_t)(time(NULL) - before));
	return strchr(b.data, '(');
}

START_TEST(times_say_how_long_ago)
{
	ck_assert_str_eq(age(2), "(just now)");
	ck_assert_str_eq(age(61), "(1 minute ago)");
	ck_assert_str_eq(age(2 * 3600 + 9), "(2 hours ago)");
	ck_assert_str_eq(age(3 * 86400 + 9), "(3 days ago)");
	/* A server's clock may be ahead of ours. */
	ck_assert_str_eq(age(-500), "(just now)");
	setenv("TZ", "UTC", 1);
	buf_clear(&b);
	report_time(&b, 1795414530);
	ck_assert(!strncmp(b.data, "2026-11-23 06:15 (", 18));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("report");
	TCase *tests = tcase_create("report");

	tcase_add_test(tests,
		bytes_have_the_largest_unit_that_is_below_a_thousand);
	tcase_add_test(tests, counts_are_grouped_by_three);
	tcase_add_test(tests, a_minute_and_more_has_minutes);
	tcase_add_test(tests, times_say_how_long_ago);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
