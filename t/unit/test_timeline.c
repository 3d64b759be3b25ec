#include "client/timeline.h"

#include "base/buf.h"
#include "transport/transport.h"
#include "unit.h"

static void
check_text(const struct timeline *t, const char *want)
{
	struct buf out = BUF_INIT;

	timeline_format(t, &out);
	ck_assert_str_eq(buf_str(&out), want);
	buf_release(&out);
}

START_TEST(phases_stand_in_the_order_in_which_they_ended)
{
	const struct transport_report report = { .connected_ms = 6,
		.keys_ms = 220,
		.authenticated_ms = 432,
		.exec_ms = 534 };
	struct timeline t;

	timeline_init(&t);
	timeline_add(&t, "scan", 15);
	timeline_add(&t, "need", 640);
	timeline_connection(&t, &report);
	check_text(&t,
		"connect 6, scan 15, key exchange 220, authentication 432, "
		"exec 534, need 640");
}
END_TEST

START_TEST(what_did_not_happen_is_not_told)
{
	const struct transport_report report = { .exec_ms = 3 };
	struct timeline t;

	timeline_init(&t);
	timeline_connection(&t, &report);
	timeline_end(&t);
	check_text(&t, "exec 3");
}
END_TEST

START_TEST(a_phase_ends_where_the_next_begins)
{
	struct timeline t;

	timeline_init(&t);
	timeline_enter(&t, "stage");
	ck_assert_uint_eq(t.n, 0);
	timeline_enter(&t, "build");
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(t.v[0].name, "stage");
	timeline_end(&t);
	timeline_end(&t);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_str_eq(t.v[1].name, "build");
}
END_TEST

START_TEST(one_that_comes_again_counts_once)
{
	struct timeline t;

	timeline_init(&t);
	timeline_add(&t, "data", 5);
	timeline_add(&t, "stage", 7);
	timeline_add(&t, "data", 9);
	check_text(&t, "stage 7, data 9");
}
END_TEST

START_TEST(a_server_may_name_as_many_as_it_likes)
{
	struct timeline t;
	char name[300];
	int i;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	timeline_init(&t);
	timeline_enter(&t, name);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "stage %d", i);
		timeline_enter(&t, name);
	}
	timeline_end(&t);
	ck_assert_uint_eq(t.n, TIMELINE_MOST);
	ck_assert_uint_eq(strlen(t.v[0].name), TIMELINE_NAME - 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tests = tcase_create("timeline");

	tcase_add_test(tests, phases_stand_in_the_order_in_which_they_ended);
	tcase_add_test(tests, what_did_not_happen_is_not_told);
	tcase_add_test(tests, a_phase_ends_where_the_next_begins);
	tcase_add_test(tests, one_that_comes_again_counts_once);
	tcase_add_test(tests, a_server_may_name_as_many_as_it_likes);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
