#include "tree/effort.h"

#include "base/zstream.h"
#include "unit.h"

/*
 * Samples of one link: so many bytes a second, of which so much was waited,
 * for a link that was full for so much of the time; or else the link waited
 * half the time, if the compressor was busy.
 */
static int
sample_link(struct effort *e, int n, uint64_t rate, int waited_percent,
	int full_percent, int compressed_percent)
{
	const struct effort_sample s = { .us = 100000,
		.waited = 1000 * waited_percent,
		.link = 1000 * full_percent,
		.compressed = 1000 * compressed_percent,
		.starved = waited_percent ? 0 : 50000,
		.packed = rate / 10 };

	while (n--)
		effort_sample(e, &s);
	return e->now;
}

/* The link is what was waited for. */
static int
sample(struct effort *e, int n, uint64_t rate, int waited_percent,
	int compressed_percent)
{
	return sample_link(e, n, rate, waited_percent, waited_percent ? 95 : 0,
		compressed_percent);
}

START_TEST(it_begins_low_and_stays_where_nothing_waits)
{
	struct effort e;

	effort_init(&e, 2);
	ck_assert_int_eq(e.now, 0);
	ck_assert_int_eq(sample(&e, 50, 1000000, 20, 60), 0);
	ck_assert_int_eq(sample(&e, 50, 1000000, 0, 90), 0);
	ck_assert_int_eq(e.most, 0);
	/* The disk is what the link waits for. */
	sample(&e, 10, 1000000, 80, 10);
	ck_assert_int_eq(sample(&e, 50, 1000000, 0, 20), ZEFFORT_MOST);
}
END_TEST

START_TEST(a_slow_link_makes_it_rise)
{
	struct effort e;

	effort_init(&e, 2);
	/* Not at once: the server may only be slow to start. */
	ck_assert_int_eq(sample(&e, 3, 2500000, 80, 10), 0);
	ck_assert_int_eq(sample(&e, 10, 2500000, 80, 10), ZEFFORT_MOST);
	ck_assert_int_eq(e.most, ZEFFORT_MOST);
}
END_TEST

START_TEST(a_full_queue_on_a_fast_link_is_no_reason)
{
	struct effort e;

	effort_init(&e, 2);
	ck_assert_int_eq(sample(&e, 3, 1000, 90, 5), 0);
	ck_assert_int_eq(sample(&e, 50, 100000000, 90, 5), 0);
	ck_assert_int_eq(sample(&e, 50, 11000000, 90, 5), 1);
	ck_assert_int_eq(sample(&e, 50, 6000000, 90, 5), 2);
	ck_assert_int_eq(sample(&e, 50, 3500000, 90, 5), 3);
	/* With more threads more is affordable. */
	effort_init(&e, 4);
	ck_assert_int_eq(sample(&e, 50, 5500000, 90, 5), ZEFFORT_MOST);
}
END_TEST

START_TEST(a_slow_peer_is_no_reason)
{
	struct effort e;

	effort_init(&e, 2);
	ck_assert_int_eq(sample_link(&e, 50, 1000000, 90, 0, 5), 0);
	/* The link is full now and then, as it is while a window opens. */
	ck_assert_int_eq(sample_link(&e, 50, 1000000, 90, 30, 5), 0);
	ck_assert_int_eq(e.most, 0);
}
END_TEST

START_TEST(a_peer_that_becomes_slow_makes_it_fall)
{
	struct effort e;

	effort_init(&e, 2);
	ck_assert_int_eq(sample(&e, 20, 1000000, 80, 10), ZEFFORT_MOST);
	/* Where both are, it stays. */
	ck_assert_int_eq(sample_link(&e, 50, 1000000, 80, 30, 10),
		ZEFFORT_MOST);
	ck_assert_int_eq(sample_link(&e, 50, 1000000, 80, 0, 10), 0);
}
END_TEST

START_TEST(a_busy_compressor_makes_it_fall_step_by_step)
{
	struct effort e;
	int i;

	effort_init(&e, 2);
	sample(&e, 20, 1000000, 80, 10);
	for (i = ZEFFORT_MOST; i > 0; i--) {
		ck_assert_int_eq(sample(&e, 1, 1000000, 0, 90), i - 1);
		/* What is under way is of the old effort. */
		ck_assert_int_eq(sample(&e, 4, 1000000, 0, 90), i - 1);
	}
	ck_assert_int_eq(sample(&e, 10, 1000000, 0, 90), 0);
	ck_assert_int_eq(e.most, ZEFFORT_MOST);
}
END_TEST

START_TEST(it_does_not_swing)
{
	struct effort e;
	int i, falls = 0;

	effort_init(&e, 2);
	sample(&e, 20, 1000000, 80, 10);
	/* The last effort is too much, the one before too little. */
	for (i = 0; i < 200; i++) {
		bool much = e.now == ZEFFORT_MOST;
		int was = e.now;

		sample(&e, 1, 1000000, much ? 0 : 50, much ? 90 : 40);
		falls += e.now < was;
		ck_assert_int_ge(e.now, ZEFFORT_MOST - 1);
	}
	ck_assert_int_ge(falls, 2);
	ck_assert_int_le(falls, 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("effort");
	TCase *tc = tcase_create("effort");

	tcase_add_test(tc, it_begins_low_and_stays_where_nothing_waits);
	tcase_add_test(tc, a_slow_link_makes_it_rise);
	tcase_add_test(tc, a_full_queue_on_a_fast_link_is_no_reason);
	tcase_add_test(tc, a_slow_peer_is_no_reason);
	tcase_add_test(tc, a_peer_that_becomes_slow_makes_it_fall);
	tcase_add_test(tc, a_busy_compressor_makes_it_fall_step_by_step);
	tcase_add_test(tc, it_does_not_swing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
