#include "base/beside.h"

#include "base/buf.h"
#include "unit.h"

static void
append(void *arg, const void *data, size_t len)
{
	buf_add(arg, data, len);
}

START_TEST(every_piece_arrives_once_and_in_order)
{
	struct buf got = BUF_INIT, want = BUF_INIT;
	struct beside b;
	size_t i, len;

	beside_start(&b, append, &got);
	for (i = 0; i < 100; i++) {
		char *piece = beside_next(&b);

		len = i % 3 ? i * 7 : BESIDE_PIECE;
		memset(piece, (int)i, len);
		beside_give(&b, len);
		/* It stays as it is for the caller's own use. */
		buf_add(&want, piece, len);
	}
	beside_end(&b);
	ck_assert_uint_eq(got.len, want.len);
	ck_assert(!memcmp(got.data, want.data, got.len));
	buf_release(&got);
	buf_release(&want);
}
END_TEST

START_TEST(nothing_given_is_nothing_done)
{
	struct buf got = BUF_INIT;
	struct beside b;

	beside_start(&b, append, &got);
	beside_end(&b);
	ck_assert_uint_eq(got.len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("beside");
	TCase *tests = tcase_create("beside");

	tcase_add_test(tests, every_piece_arrives_once_and_in_order);
	tcase_add_test(tests, nothing_given_is_nothing_done);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
