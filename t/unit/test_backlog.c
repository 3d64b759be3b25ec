#include "transport/backlog.h"

#include "transport/internal.h"
#include "unit.h"

#define UNLIMITED 0x7fffffff

/* 20 Mbit/s, 100 ms, in the middle of a large upload. */
static const struct backlog_tcp slow = { .unsent = 1500000,
	.unacked = 170,
	.window = 170,
	.slow = 150,
	.rtt = 110000,
	.rtt_least = 100000 };

START_TEST(bytes_that_wait_make_a_link_full)
{
	struct backlog_tcp n = slow;

	ck_assert(backlog_is_full(&n));
	n.unsent = 0;
	ck_assert(!backlog_is_full(&n));
}
END_TEST

START_TEST(a_long_pipe_that_takes_all_is_not_full)
{
	const struct backlog_tcp n = { .unacked = 1400,
		.window = 1500,
		.slow = UNLIMITED,
		.rtt = 101000,
		.rtt_least = 100000 };

	ck_assert(!backlog_is_full(&n));
}
END_TEST

START_TEST(a_beginning_is_not_full)
{
	struct backlog_tcp n = slow;

	n.window = n.unacked = 20;
	n.slow = UNLIMITED;
	ck_assert(!backlog_is_full(&n));
	/* It is the peer's kernel that takes no more. */
	n.unacked = 0;
	ck_assert(backlog_is_full(&n));
}
END_TEST

START_TEST(what_waits_on_its_way_makes_a_link_full)
{
	struct backlog_tcp n = { .unacked = 1400,
		.window = 1500,
		.slow = UNLIMITED,
		.rtt = 800000,
		.rtt_least = 100000 };

	ck_assert(backlog_is_full(&n));
	n.unacked = 0;
	ck_assert(!backlog_is_full(&n));
	/* An acknowledgement that comes late is nothing. */
	n = (struct backlog_tcp){ .unacked = 1,
		.window = 10,
		.slow = UNLIMITED,
		.rtt = 40000,
		.rtt_least = 50 };
	ck_assert(!backlog_is_full(&n));
}
END_TEST

START_TEST(time_counts_where_it_was_full_at_both_ends)
{
	struct transport t = { .wake = -1 };
	struct backlog b = { false, 0 };

	backlog_note(&b, &t, true);
	ck_assert_int_eq(t.link_us, 0);
	b.looked -= 5000000;
	backlog_note(&b, &t, false);
	ck_assert_int_eq(t.link_us, 0);
	b.looked -= 5000000;
	backlog_note(&b, &t, true);
	ck_assert_int_eq(t.link_us, 0);
	b.looked -= 5000000;
	backlog_note(&b, &t, true);
	ck_assert_int_ge(t.link_us, 5000000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backlog");
	TCase *tc = tcase_create("backlog");

	tcase_add_test(tc, bytes_that_wait_make_a_link_full);
	tcase_add_test(tc, a_long_pipe_that_takes_all_is_not_full);
	tcase_add_test(tc, a_beginning_is_not_full);
	tcase_add_test(tc, what_waits_on_its_way_makes_a_link_full);
	tcase_add_test(tc, time_counts_where_it_was_full_at_both_ends);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
