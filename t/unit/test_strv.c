#include "base/strv.h"

#include "unit.h"

START_TEST(a_list_ends_with_null_however_long)
{
	struct strv l = STRV_INIT;
	size_t i;
	char s[16];

	for (i = 0; i < 100; i++) {
		snprintf(s, sizeof(s), "%zu", i);
		strv_add(&l, s);
		ck_assert_uint_eq(l.n, i + 1);
		ck_assert_str_eq(l.v[i], s);
		ck_assert_ptr_null(l.v[l.n]);
	}
	ck_assert_str_eq(l.v[0], "0");
	strv_clear(&l);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_ptr_null(l.v[0]);
	strv_release(&l);
	ck_assert_ptr_null(l.v);
}
END_TEST

START_TEST(splitting_skips_empty_words)
{
	struct strv l = STRV_INIT;

	strv_split(&l, "  one, two ,,three", " ,");
	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(l.v[0], "one");
	ck_assert_str_eq(l.v[1], "two");
	ck_assert_str_eq(l.v[2], "three");
	strv_split(&l, " , ", " ,");
	ck_assert_uint_eq(l.n, 3);
	strv_release(&l);
}
END_TEST

START_TEST(a_word_is_found_only_whole)
{
	struct strv l = STRV_INIT;

	ck_assert(!strv_has(&l, "a"));
	strv_add(&l, "abc");
	ck_assert(strv_has(&l, "abc"));
	ck_assert(!strv_has(&l, "ab"));
	ck_assert(!strv_has(&l, "abcd"));
	strv_release(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("strv");
	TCase *tests = tcase_create("strv");

	tcase_add_test(tests, a_list_ends_with_null_however_long);
	tcase_add_test(tests, splitting_skips_empty_words);
	tcase_add_test(tests, a_word_is_found_only_whole);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
