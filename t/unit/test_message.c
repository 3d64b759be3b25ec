#include "wire/message.h"

#include <inttypes.h>

#include "base/mem.h"
#include "unit.h"

static const struct {
	const char *name;
	const struct message_field *fields;
	size_t size;
} tables[] = {
	{ "hello", msg_hello_fields, sizeof(struct msg_hello) },
	{ "push", msg_push_fields, sizeof(struct msg_push) },
	{ "live", msg_live_fields, sizeof(struct msg_live) },
	{ "need-end", msg_need_end_fields, sizeof(struct msg_need_end) },
	{ "ask", msg_ask_fields, sizeof(struct msg_ask) },
	{ "release", msg_release_fields, sizeof(struct msg_release) },
	{ "status", msg_status_fields, sizeof(struct msg_status) },
	{ "fault", msg_fault_fields, sizeof(struct msg_fault) },
	{ "result", msg_result_fields, sizeof(struct msg_result) },
};

#define TABLES (sizeof(tables) / sizeof(*tables))

/* Fills every field; texts of `len` bytes if that is not 0. */
static void
fill(const struct message_field *f, void *msg, size_t len)
{
	uint64_t n = 0;

	for (; f->key; f++) {
		void *p = (char *)msg + f->offset;

		n += UINT64_C(1111111111111111111);
		if (f->kind == MESSAGE_NUMBER) {
			*(uint64_t *)p = n & MESSAGE_NUMBER_MOST;
		} else if (f->kind == MESSAGE_FLAG) {
			*(bool *)p = true;
		} else if (len) {
			*(char **)p = mem_zalloc(len + 1, 1);
			memset(*(char **)p, 'v', len);
		} else {
			*(char **)p = mem_printf(" %s = \303\244 ", f->key);
		}
	}
}

static void
assert_equal(const struct message_field *f, const void *a, const void *b)
{
	for (; f->key; f++) {
		const void *p = (const char *)a + f->offset;
		const void *q = (const char *)b + f->offset;

		if (f->kind == MESSAGE_NUMBER)
			ck_assert_uint_eq(*(const uint64_t *)p,
				*(const uint64_t *)q);
		else if (f->kind == MESSAGE_FLAG)
			ck_assert(*(const bool *)p == *(const bool *)q);
		else
			ck_assert_pstr_eq(*(char *const *)p, *(char *const *)q);
	}
}

/* A field outside the tables would neither be sent nor freed. */
static void
assert_covers(const char *name, const struct message_field *f, size_t size)
{
	bool used[1024] = { false };
	size_t covered = 0, i;

	for (; f->key; f++) {
		size_t n = f->kind == MESSAGE_FLAG ? 1 : 8;

		for (i = 0; i < n; i++) {
			ck_assert_msg(!used[f->offset + i], "%s: %s overlaps",
				name, f->key);
			used[f->offset + i] = true;
		}
		ck_assert_uint_le(f->offset + n, size);
		covered += n;
	}
	/* The compiler's padding stands only beside flags. */
	ck_assert_msg(covered <= size && covered + 24 > size,
		"%s: %zu of %zu bytes", name, covered, size);
}

START_TEST(every_message_comes_back_as_it_was)
{
	const size_t lengths[] = { 0, 1, MESSAGE_VALUE_MOST };
	size_t i, k;

	for (i = 0; i < TABLES; i++)
		for (k = 0; k < 3; k++) {
			void *msg = mem_zalloc(1, tables[i].size);
			void *back = mem_zalloc(1, tables[i].size);
			struct error err = ERROR_INIT;
			struct buf b = BUF_INIT;

			fill(tables[i].fields, msg, lengths[k]);
			message_write(tables[i].fields, msg, &b);
			ck_assert_uint_le(b.len, FRAME_MOST);
			ck_assert_int_eq(message_read(tables[i].fields, b.data,
						 b.len, back, &err),
				0);
			assert_equal(tables[i].fields, msg, back);
			message_release(tables[i].fields, msg);
			message_release(tables[i].fields, back);
			free(msg);
			free(back);
			buf_release(&b);
		}
}
END_TEST

START_TEST(the_tables_hold_every_field_once)
{
	size_t i;

	for (i = 0; i < TABLES; i++)
		assert_covers(tables[i].name, tables[i].fields, tables[i].size);
}
END_TEST

START_TEST(what_is_absent_is_not_sent)
{
	struct error err = ERROR_INIT;
	struct msg_push p = { 0 };
	struct buf b = BUF_INIT;

	message_write(msg_push_fields, &p, &b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(message_read(msg_push_fields, "", 0, &p, &err), 0);
	p.app = mem_strdup("");
	message_write(msg_push_fields, &p, &b);
	ck_assert_str_eq(b.data, "app \n");
	MESSAGE_RELEASE(push, &p);
	ck_assert_int_eq(message_read(msg_push_fields, b.data, b.len, &p, &err),
		0);
	ck_assert_str_eq(p.app, "");
	MESSAGE_RELEASE(push, &p);
	ck_assert_ptr_null(p.app);
	buf_release(&b);
}
END_TEST

START_TEST(it_reads_as_the_manual_shows_it)
{
	struct msg_ask a = { .verb = (char *)"rollback",
		.app = (char *)"blog",
		.wait = 7,
		.force = true };
	struct buf b = BUF_INIT;

	message_write(msg_ask_fields, &a, &b);
	ck_assert_str_eq(b.data,
		"verb rollback\napp blog\nwait 7\nforce yes\n");
	buf_release(&b);
}
END_TEST

static int
read_result(const char *text, struct msg_result *r, struct error *err)
{
	memset(r, 0, sizeof(*r));
	return message_read(msg_result_fields, text, strlen(text), r, err);
}

START_TEST(unknown_keys_are_ignored)
{
	struct error err = ERROR_INIT;
	struct msg_result r;

	ck_assert_int_eq(read_result("x-new value\nstatus 3\nerro x\n"
				     "errors y\nerror z z\n",
				 &r, &err),
		0);
	ck_assert_uint_eq(r.status, 3);
	ck_assert_str_eq(r.error, "z z");
	MESSAGE_RELEASE(result, &r);
}
END_TEST

START_TEST(a_text_that_stands_twice_is_an_error)
{
	struct error err = ERROR_INIT;
	struct msg_result r;

	ck_assert_int_lt(read_result("error a\nerror b\n", &r, &err), 0);
	ck_assert_str_eq(err.text, "a message in which error stands twice");
	MESSAGE_RELEASE(result, &r);
	ck_assert_int_lt(read_result("error \nerror \n", &r, &err), 0);
	MESSAGE_RELEASE(result, &r);
}
END_TEST

START_TEST(malformed_lines_and_numbers_are_errors)
{
	static const char *const bad[] = { "\n", "status\n", " \n",
		" status 1\n", "status 1", "status", "status \n", "status -1\n",
		"status +1\n", "status 1 \n", "status  1\n", "status 0x1\n",
		"status 1e3\n", "status 1\r\n",
		"status 100000000000000000000\n",
		"status 18446744073709551616\n" };
	struct error err = ERROR_INIT;
	struct msg_result r;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(read_result(bad[i], &r, &err) < 0, "taken: %s",
			bad[i]);
		MESSAGE_RELEASE(result, &r);
	}
	ck_assert_int_lt(message_read(msg_result_fields, "error a\0b\n", 10, &r,
				 &err),
		0);
	MESSAGE_RELEASE(result, &r);
}
END_TEST

START_TEST(numbers_of_63_bits_and_flags_are_taken)
{
	static const char *const bad[] = { "files 9223372036854775808\n",
		"files 18446744073709551616\n", "files 01\n", "files -1\n",
		"files 1 \n", "files \n", "held no\n", "held y\n", "held \n",
		"files 1\nfiles 1\n", "held yes\nheld yes\n" };
	struct error err = ERROR_INIT;
	struct msg_result r;
	size_t i;

	ck_assert_int_eq(read_result("files 9223372036854775807\nheld yes\n",
				 &r, &err),
		0);
	ck_assert_uint_eq(r.files, INT64_MAX);
	ck_assert(r.held);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(read_result(bad[i], &r, &err) < 0, "taken: %s",
			bad[i]);
}
END_TEST

START_TEST(line_feeds_in_a_value_cannot_begin_another_key)
{
	struct msg_result r = { .error = (char *)"a\nstatus 0\r\nb" };
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	r.status = 7;
	message_write(msg_result_fields, &r, &b);
	ck_assert_int_eq(read_result(b.data, &r, &err), 0);
	ck_assert_uint_eq(r.status, 7);
	ck_assert_str_eq(r.error, "a status 0  b");
	MESSAGE_RELEASE(result, &r);
	buf_release(&b);
}
END_TEST

START_TEST(a_long_value_is_cut_between_characters)
{
	char text[MESSAGE_VALUE_MOST + 100];
	struct msg_result r = { .error = text };
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	message_write(msg_result_fields, &r, &b);
	ck_assert_int_eq(read_result(b.data, &r, &err), 0);
	ck_assert_uint_eq(strlen(r.error), MESSAGE_VALUE_MOST);
	MESSAGE_RELEASE(result, &r);
	/* The euro sign's three bytes lie across the limit. */
	memcpy(text + MESSAGE_VALUE_MOST - 1, "\342\202\254", 3);
	r.error = text;
	buf_clear(&b);
	message_write(msg_result_fields, &r, &b);
	ck_assert_int_eq(read_result(b.data, &r, &err), 0);
	ck_assert_uint_eq(strlen(r.error), MESSAGE_VALUE_MOST - 1);
	MESSAGE_RELEASE(result, &r);
	buf_release(&b);
}
END_TEST

START_TEST(an_error_crosses_with_its_status_and_hint)
{
	struct error err = ERROR_INIT, back = ERROR_INIT;
	struct msg_result r = { 0 };

	error_status(&err, STATUS_BUSY, "busy: %s", "ann");
	error_hint(&err, "use --wait");
	result_from_error(&r, &err);
	ck_assert_str_eq(r.outcome, "failed");
	result_to_error(&r, &back);
	ck_assert_int_eq(back.status, STATUS_BUSY);
	ck_assert_str_eq(back.text, "busy: ann");
	ck_assert_str_eq(back.hint, "use --wait");
	MESSAGE_RELEASE(result, &r);
	r.status = 4711;
	result_to_error(&r, &back);
	ck_assert_int_eq(back.status, STATUS_TRANSFER);
	ck_assert_str_ne(back.text, "");
	ck_assert_str_eq(back.hint, "");
}
END_TEST

START_TEST(what_to_do_is_one_of_four_words)
{
	ck_assert_int_eq((int)push_then_parse("activate"), THEN_ACTIVATE);
	ck_assert_int_eq((int)push_then_parse("build"), THEN_BUILD);
	ck_assert_int_eq((int)push_then_parse("hold"), THEN_HOLD);
	ck_assert_int_eq((int)push_then_parse("compare"), THEN_COMPARE);
	ck_assert_int_eq((int)push_then_parse("activate "), -1);
	ck_assert_int_eq((int)push_then_parse(""), -1);
	ck_assert_int_eq((int)push_then_parse(NULL), -1);
}
END_TEST

static int
read_ranges(struct ranges *r, const char *text, uint32_t most)
{
	struct error err = ERROR_INIT;

	return ranges_read(r, text, strlen(text), most, &err);
}

START_TEST(lines_become_ranges)
{
	static const uint32_t lines[] = { 1, 2, 3, 5, 7, 8, 100, UINT32_MAX - 1,
		UINT32_MAX };
	struct ranges r = { NULL, 0, 0 };
	struct channel c = { .in = -1, .out = -1 };
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		ranges_add(&r, lines[i]);
	ranges_send(&c, "need", &r);
	ck_assert_str_eq(c.tx.data,
		"need 36\n1-3\n5\n7-8\n100\n"
		"4294967294-4294967295\n");
	ranges_release(&r);
	ranges_send(&c, "need", &r); /* none: no frame */
	ck_assert_uint_eq(c.tx.len, 44);
	channel_release(&c);
}
END_TEST

START_TEST(many_ranges_go_in_several_frames_and_come_back)
{
	struct ranges r = { NULL, 0, 0 }, back = { NULL, 0, 0 };
	struct channel c = { .in = -1, .out = -1 };
	struct error err = ERROR_INIT;
	uint32_t line, top = UINT32_MAX - 120000;
	int frames = 0;
	size_t i;

	for (line = top; line < top + 100000; line += 5) {
		ranges_add(&r, line);
		ranges_add(&r, line + 1);
		ranges_add(&r, line + 3);
	}
	ranges_send(&c, "need", &r);
	while (c.tx.len) {
		struct frame f;
		long n = frame_parse(c.tx.data, c.tx.len, &f, &err);

		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(ranges_read(&back, f.data, f.len, UINT32_MAX,
					 &err),
			0);
		buf_consume(&c.tx, (size_t)n);
		frames++;
	}
	ck_assert_int_gt(frames, 5);
	ck_assert_uint_eq(back.n, r.n);
	for (i = 0; i < r.n; i++) {
		ck_assert_uint_eq(back.v[i].first, r.v[i].first);
		ck_assert_uint_eq(back.v[i].last, r.v[i].last);
	}
	ranges_release(&r);
	ranges_release(&back);
	channel_release(&c);
}
END_TEST

START_TEST(ranges_ascend_within_the_manifest)
{
	static const char *const bad[] = { "0\n", "0-1\n", "11\n", "1-11\n",
		"2-1\n", "1", "1-2", "1-\n", "-2\n", "1\n1\n", "2\n1\n",
		"1-3\n3\n", "1-3\n2-5\n", "\n", "1\n\n", "1 \n", " 1\n",
		"1-2-3\n", "1,2\n", "+1\n", "x\n", "1\r\n", "4294967296\n",
		"4294967297\n", "00000000001\n", "1-4294967297\n",
		"18446744073709551617\n" };
	struct ranges r = { NULL, 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(read_ranges(&r, bad[i], 10) < 0, "taken: %s",
			bad[i]);
		ranges_release(&r);
	}
	ck_assert_int_eq(read_ranges(&r, "1\n2\n4-10\n", 10), 0);
	ck_assert_uint_eq(r.n, 3);
	/* Frames go on where the last one ended. */
	ck_assert_int_lt(read_ranges(&r, "10\n", 11), 0);
	ck_assert_int_eq(read_ranges(&r, "11\n", 11), 0);
	ck_assert_int_eq(read_ranges(&r, "", 11), 0);
	ranges_release(&r);
	ck_assert_int_lt(read_ranges(&r, "1\n", 0), 0);
	ck_assert_int_eq(read_ranges(&r, "1-4294967295\n", UINT32_MAX), 0);
	ck_assert_int_lt(read_ranges(&r, "1\n", UINT32_MAX), 0);
	ranges_release(&r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("message");
	TCase *tc = tcase_create("message");

	tcase_add_test(tc, every_message_comes_back_as_it_was);
	tcase_add_test(tc, the_tables_hold_every_field_once);
	tcase_add_test(tc, what_is_absent_is_not_sent);
	tcase_add_test(tc, it_reads_as_the_manual_shows_it);
	tcase_add_test(tc, unknown_keys_are_ignored);
	tcase_add_test(tc, a_text_that_stands_twice_is_an_error);
	tcase_add_test(tc, malformed_lines_and_numbers_are_errors);
	tcase_add_test(tc, numbers_of_63_bits_and_flags_are_taken);
	tcase_add_test(tc, line_feeds_in_a_value_cannot_begin_another_key);
	tcase_add_test(tc, a_long_value_is_cut_between_characters);
	tcase_add_test(tc, an_error_crosses_with_its_status_and_hint);
	tcase_add_test(tc, what_to_do_is_one_of_four_words);
	tcase_add_test(tc, lines_become_ranges);
	tcase_add_test(tc, many_ranges_go_in_several_frames_and_come_back);
	tcase_add_test(tc, ranges_ascend_within_the_manifest);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
