#include "base/zstream.h"

#include "base/buf.h"
#include "base/error.h"
#include "unit.h"

/* Decompresses in pieces of `step` bytes, into room for `room`. */
static int
inflate(struct zin *z, const struct buf *in, size_t step, size_t room,
	struct buf *out, struct error *err)
{
	size_t at = 0;

	while (at < in->len) {
		size_t used = 0,
		       len = in->len - at < step ? in->len - at : step;
		long n;

		do {
			n = zin_read(z, in->data + at, len, &used,
				buf_reserve(out, room), room, err);
			if (n < 0)
				return -1;
			ck_assert_int_le(n, (long)room);
			out->len += (size_t)n;
		} while (used < len || n == (long)room);
		at += len;
	}
	buf_add(out, "", 0);
	return 0;
}

static void
fill(struct buf *b, size_t len)
{
	unsigned x = 1;

	while (len--) {
		x = x * 1103515245 + 12345;
		buf_addch(b, (char)("abcdefgh\n\0"[x >> 16 & 7]));
	}
}

START_TEST(what_was_compressed_comes_back_in_any_pieces)
{
	static const size_t steps[] = { 1, 7, 4096, 1 << 20 };
	struct buf text = BUF_INIT, packed = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct zout *zo = zout_new(3);
	size_t i;

	fill(&text, 300000);
	zout_write(zo, text.data, 100000, ZFLUSH_NO, &packed);
	zout_write(zo, text.data + 100000, 200000, ZFLUSH_END, &packed);
	ck_assert_uint_lt(packed.len, text.len);
	for (i = 0; i < 4; i++) {
		struct zin *zi = zin_new(23);

		buf_clear(&out);
		ck_assert_int_eq(inflate(zi, &packed, steps[i], 5000, &out,
					 &err),
			0);
		ck_assert(zin_ended(zi));
		ck_assert_uint_eq(out.len, text.len);
		ck_assert_mem_eq(out.data, text.data, text.len);
		zin_free(zi);
	}
	zout_free(zo);
	buf_release(&text);
	buf_release(&packed);
	buf_release(&out);
}
END_TEST

START_TEST(a_flush_makes_everything_so_far_readable)
{
	struct buf packed = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct zout *zo = zout_new(3);
	struct zin *zi = zin_new(23);

	zout_write(zo, "hello ", 6, ZFLUSH_NOW, &packed);
	ck_assert_int_eq(inflate(zi, &packed, 100, 100, &out, &err), 0);
	ck_assert_str_eq(buf_str(&out), "hello ");
	ck_assert(!zin_ended(zi));
	buf_clear(&packed);
	zout_write(zo, "world", 5, ZFLUSH_NO, &packed);
	zout_write(zo, NULL, 0, ZFLUSH_END, &packed);
	ck_assert_int_eq(inflate(zi, &packed, 100, 100, &out, &err), 0);
	ck_assert_str_eq(buf_str(&out), "hello world");
	ck_assert(zin_ended(zi));
	zout_free(zo);
	zin_free(zi);
	buf_release(&packed);
	buf_release(&out);
}
END_TEST

START_TEST(garbage_and_data_behind_the_end_are_errors)
{
	struct buf packed = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct zout *zo = zout_new(3);
	struct zin *zi = zin_new(23);

	buf_addstr(&packed, "this is not a zstd stream");
	ck_assert_int_eq(inflate(zi, &packed, 100, 100, &out, &err), -1);
	zin_free(zi);

	buf_clear(&packed);
	zi = zin_new(23);
	zout_write(zo, "x", 1, ZFLUSH_END, &packed);
	buf_addstr(&packed, "more");
	ck_assert_int_eq(inflate(zi, &packed, 100, 100, &out, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "behind the end"));
	zin_free(zi);
	zout_free(zo);
	buf_release(&packed);
	buf_release(&out);
}
END_TEST

START_TEST(a_stream_cut_short_has_not_ended)
{
	struct buf packed = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct zout *zo = zout_new(3);
	struct zin *zi = zin_new(23);

	zout_write(zo, "hello", 5, ZFLUSH_END, &packed);
	buf_truncate(&packed, packed.len - 1);
	ck_assert_int_eq(inflate(zi, &packed, 100, 100, &out, &err), 0);
	ck_assert(!zin_ended(zi));
	zin_free(zi);
	zout_free(zo);
	buf_release(&packed);
	buf_release(&out);
}
END_TEST

START_TEST(a_stream_may_not_ask_for_more_memory_than_allowed)
{
	struct buf text = BUF_INIT, packed = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct zout *zo = zout_new(19); /* a window of 8 MiB */
	struct zin *small = zin_new(16), *large = zin_new(23);

	fill(&text, 1 << 20);
	zout_write(zo, text.data, text.len, ZFLUSH_NO, &packed);
	zout_write(zo, NULL, 0, ZFLUSH_END, &packed);
	ck_assert_int_eq(inflate(small, &packed, 4096, 4096, &out, &err), -1);
	buf_clear(&out);
	ck_assert_int_eq(inflate(large, &packed, 4096, 4096, &out, &err), 0);
	ck_assert_uint_eq(out.len, text.len);
	zin_free(small);
	zin_free(large);
	zout_free(zo);
	buf_release(&text);
	buf_release(&packed);
	buf_release(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("zstream");
	TCase *tests = tcase_create("zstream");

	tcase_add_test(tests, what_was_compressed_comes_back_in_any_pieces);
	tcase_add_test(tests, a_flush_makes_everything_so_far_readable);
	tcase_add_test(tests, garbage_and_data_behind_the_end_are_errors);
	tcase_add_test(tests, a_stream_cut_short_has_not_ended);
	tcase_add_test(tests,
		a_stream_may_not_ask_for_more_memory_than_allowed);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
