#include "base/buf.h"

#include "unit.h"

START_TEST(a_new_buffer_reads_as_an_empty_string)
{
	struct buf b = BUF_INIT;

	ck_assert_str_eq(buf_str(&b), "");
	buf_clear(&b);
	buf_consume(&b, 0);
	buf_truncate(&b, 0);
	ck_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
}
END_TEST

START_TEST(reserved_room_does_not_show_as_text)
{
	struct buf b = BUF_INIT;

	buf_reserve(&b, 1000);
	ck_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
}
END_TEST

START_TEST(all_ways_of_adding_append)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "a\0b", 3);
	buf_addstr(&b, "cd");
	buf_addch(&b, 'e');
	buf_addf(&b, "%d-%s", 42, "x");
	ck_assert_uint_eq(b.len, 10);
	ck_assert_mem_eq(b.data, "a\0bcde42-x", 11);
	buf_release(&b);
}
END_TEST

START_TEST(formatted_text_longer_than_the_room_is_whole)
{
	struct buf b = BUF_INIT;
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	buf_addf(&b, "<%s>", text);
	ck_assert_uint_eq(b.len, sizeof(text) + 1);
	ck_assert_int_eq(b.data[b.len - 1], '>');
	buf_release(&b);
}
END_TEST

START_TEST(a_queue_keeps_order_through_growth_and_consumption)
{
	struct buf b = BUF_INIT;
	unsigned in = 0, out = 0, step, i;

	for (step = 1; step < 2000; step++) {
		for (i = 0; i < step % 97; i++)
			buf_addch(&b, (char)in++);
		for (i = 0; i < step % 89 && b.len; i++) {
			ck_assert_int_eq(b.data[0], (char)out++);
			buf_consume(&b, 1);
		}
		ck_assert_uint_eq(b.len, in - out);
		ck_assert_int_eq(*(buf_str(&b) + b.len), 0);
	}
	buf_release(&b);
}
END_TEST

START_TEST(a_drained_buffer_uses_its_room_again)
{
	struct buf b = BUF_INIT;
	size_t i, cap;

	buf_reserve(&b, 100);
	cap = b.cap;
	for (i = 0; i < 1000; i++) {
		buf_add(&b, "0123456789", 10);
		buf_consume(&b, 10);
	}
	ck_assert_uint_eq(b.cap, cap);
	buf_release(&b);
}
END_TEST

START_TEST(truncating_shortens_the_string)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, "abcdef");
	buf_consume(&b, 2);
	buf_truncate(&b, 2);
	ck_assert_str_eq(buf_str(&b), "cd");
	buf_release(&b);
}
END_TEST

START_TEST(detaching_gives_what_was_not_consumed)
{
	struct buf b = BUF_INIT;
	char *s;

	buf_addstr(&b, "abcdef");
	buf_consume(&b, 2);
	s = buf_detach(&b);
	ck_assert_str_eq(s, "cdef");
	free(s);
	ck_assert_ptr_null(b.base);
	s = buf_detach(&b);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("buf");
	TCase *tests = tcase_create("buf");

	tcase_add_test(tests, a_new_buffer_reads_as_an_empty_string);
	tcase_add_test(tests, reserved_room_does_not_show_as_text);
	tcase_add_test(tests, all_ways_of_adding_append);
	tcase_add_test(tests, formatted_text_longer_than_the_room_is_whole);
	tcase_add_test(tests,
		a_queue_keeps_order_through_growth_and_consumption);
	tcase_add_test(tests, a_drained_buffer_uses_its_room_again);
	tcase_add_test(tests, truncating_shortens_the_string);
	tcase_add_test(tests, detaching_gives_what_was_not_consumed);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
