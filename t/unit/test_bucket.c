#include "base/bucket.h"

#include "unit.h"

START_TEST(it_lets_out_its_rate)
{
	static const uint64_t rates[] = { 1, 7, 1000, 1000003,
		UINT64_C(1) << 40 };
	size_t i;

	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		int64_t now = 12345678;
		uint64_t sent = 0;
		struct bucket b;

		bucket_init(&b, rates[i], now);
		/* A minute, looked at whenever it says, and in between. */
		while (now < 12345678 + 60000000) {
			size_t n = bucket_allows(&b, now);

			ck_assert_uint_le(n, rates[i] < 8 ? 1 : rates[i] / 8);
			bucket_take(&b, n);
			sent += n;
			now += sent % 3 ? 5000 : 1000 * bucket_wait(&b);
		}
		ck_assert_uint_le(sent, rates[i] * 60 + rates[i] / 8 + 1);
		ck_assert_uint_ge(sent, rates[i] * 59 - rates[i] / 8);
	}
}
END_TEST

START_TEST(an_eighth_of_a_second_is_the_most_at_once)
{
	struct bucket b;

	bucket_init(&b, 8000, 0);
	ck_assert_uint_eq(bucket_allows(&b, 0), 1000);
	/* A pause saves nothing up. */
	ck_assert_uint_eq(bucket_allows(&b, INT64_C(100000000000)), 1000);
	bucket_take(&b, 1000);
	ck_assert_uint_eq(bucket_allows(&b, INT64_C(100000000000)), 0);
	/* Nor does a clock that goes back. */
	ck_assert_uint_eq(bucket_allows(&b, 5), 0);
}
END_TEST

START_TEST(after_the_wait_it_allows_something)
{
	struct bucket b;

	bucket_init(&b, 1000, 0);
	bucket_take(&b, bucket_allows(&b, 0));
	ck_assert_int_eq(bucket_wait(&b), 32);
	ck_assert_uint_eq(bucket_allows(&b, 30000), 0);
	ck_assert_uint_eq(bucket_allows(&b, 32000), 32);
	ck_assert_int_eq(bucket_wait(&b), 0);
	bucket_take(&b, 10);
	ck_assert_int_gt(bucket_wait(&b), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bucket");
	TCase *tc = tcase_create("bucket");

	tcase_add_test(tc, it_lets_out_its_rate);
	tcase_add_test(tc, an_eighth_of_a_second_is_the_most_at_once);
	tcase_add_test(tc, after_the_wait_it_allows_something);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
