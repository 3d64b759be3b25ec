#include "base/escape.h"

#include "base/buf.h"
#include "unit.h"

static void
expect(const char *in, size_t len, const char *want)
{
	struct buf b = BUF_INIT;

	escape_add(&b, in, len);
	ck_assert_str_eq(buf_str(&b), want);
	buf_release(&b);
}

#define EXPECT(in, want) expect(in, sizeof(in) - 1, want)

START_TEST(ordinary_text_stays)
{
	EXPECT("plain ~ text\\", "plain ~ text\\");
	EXPECT("h\u00e9 \u65e5\u672c \U0001f600",
		"h\u00e9 \u65e5\u672c \U0001f600");
}
END_TEST

START_TEST(control_characters_are_shown_as_bytes)
{
	EXPECT("a\033[31m", "a\\x1b[31m");
	EXPECT("a\nb\tc\r\0\x7f", "a\\x0ab\\x09c\\x0d\\x00\\x7f");
	/* C1, which some terminals take for an escape sequence. */
	EXPECT("\xc2\x9b", "\\xc2\\x9b");
}
END_TEST

START_TEST(text_that_reorders_or_breaks_lines_is_shown_as_bytes)
{
	EXPECT("\u202e", "\\xe2\\x80\\xae");
	EXPECT("\u2066\u2069", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
	EXPECT("\u200f", "\\xe2\\x80\\x8f");
	EXPECT("\u061c", "\\xd8\\x9c");
	EXPECT("\u2028", "\\xe2\\x80\\xa8");
	EXPECT("\ufeff", "\\xef\\xbb\\xbf");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_shown_and_the_rest_is_kept)
{
	EXPECT("a\xff"
	       "b",
		"a\\xffb");
	EXPECT("\x80", "\\x80");
	EXPECT("\xc3(", "\\xc3(");
	EXPECT("\xe2\x82", "\\xe2\\x82");
	/* Overlong, a surrogate, beyond Unicode. */
	EXPECT("\xc0\xaf", "\\xc0\\xaf");
	EXPECT("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	EXPECT("\xed\xa0\x80", "\\xed\\xa0\\x80");
	EXPECT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}
END_TEST

START_TEST(a_sequence_cut_by_the_length_does_not_read_on)
{
	expect("\xe2\x82\xac", 2, "\\xe2\\x82");
	expect("\xe2\x82\xac", 3, "\xe2\x82\xac");
}
END_TEST

START_TEST(a_copy_is_escaped)
{
	char *s = escape_dup("a\nb");

	ck_assert_str_eq(s, "a\\x0ab");
	free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("escape");
	TCase *tests = tcase_create("escape");

	tcase_add_test(tests, ordinary_text_stays);
	tcase_add_test(tests, control_characters_are_shown_as_bytes);
	tcase_add_test(tests,
		text_that_reorders_or_breaks_lines_is_shown_as_bytes);
	tcase_add_test(tests,
		bytes_that_are_not_utf8_are_shown_and_the_rest_is_kept);
	tcase_add_test(tests, a_sequence_cut_by_the_length_does_not_read_on);
	tcase_add_test(tests, a_copy_is_escaped);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
