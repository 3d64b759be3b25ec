#include "base/mem.h"

#include <signal.h>
#include <stdint.h>

#include "unit.h"

START_TEST(strings_are_copied)
{
	char *a = mem_strdup("abc"), *b = mem_strndup("abcdef", 3),
	     *c = mem_printf("%s-%d", "x", 7);

	ck_assert_str_eq(a, "abc");
	ck_assert_str_eq(b, "abc");
	ck_assert_str_eq(c, "x-7");
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(zeroed_memory_is_zero_and_nothing_is_something)
{
	char *p = mem_zalloc(100, 10), *q = mem_alloc(0);
	int i;

	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(p[i], 0);
	ck_assert_ptr_nonnull(q);
	q = mem_realloc(q, 0, 10);
	ck_assert_ptr_nonnull(q);
	free(p);
	free(q);
}
END_TEST

START_TEST(a_size_that_overflows_aborts)
{
	void *p = mem_realloc(NULL, SIZE_MAX / 2, 4);

	free(p);
}
END_TEST

START_TEST(an_array_grows_and_keeps_what_it_holds)
{
	size_t n = 0, cap = 0, i;
	int *v = NULL;

	for (i = 0; i < 10000; i++) {
		MEM_GROW(v, n, cap);
		ck_assert_uint_lt(n, cap);
		v[n++] = (int)i;
	}
	for (i = 0; i < n; i++)
		ck_assert_int_eq(v[i], (int)i);
	free(v);
}
END_TEST

START_TEST(an_arena_s_strings_stay_where_they_are)
{
	struct arena arena = ARENA_INIT;
	static char large[200000];
	char *v[5000], *big, want[32];
	int i;

	memset(large, 'x', sizeof(large));
	for (i = 0; i < 2500; i++) {
		snprintf(want, sizeof(want), "string %d", i);
		v[i] = arena_strndup(&arena, want, strlen(want));
	}
	big = arena_strndup(&arena, large, sizeof(large));
	for (; i < 5000; i++) {
		snprintf(want, sizeof(want), "string %d", i);
		v[i] = arena_strndup(&arena, want, strlen(want));
	}
	for (i = 0; i < 5000; i++) {
		snprintf(want, sizeof(want), "string %d", i);
		ck_assert_str_eq(v[i], want);
	}
	ck_assert_mem_eq(big, large, sizeof(large));
	ck_assert_int_eq(big[sizeof(large)], 0);
	ck_assert_str_eq(arena_strndup(&arena, "abc", 2), "ab");
	arena_release(&arena);
	ck_assert_ptr_null(arena.head);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mem");
	TCase *tests = tcase_create("mem");

	tcase_add_test(tests, strings_are_copied);
	tcase_add_test(tests, zeroed_memory_is_zero_and_nothing_is_something);
	tcase_add_test_raise_signal(tests, a_size_that_overflows_aborts,
		SIGABRT);
	tcase_add_test(tests, an_array_grows_and_keeps_what_it_holds);
	tcase_add_test(tests, an_arena_s_strings_stay_where_they_are);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
