#include "base/base64.h"

#include "base/buf.h"
#include "unit.h"

static const struct {
	const char *plain, *coded;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
};

START_TEST(known_texts_are_coded_and_read_back)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		buf_clear(&b);
		base64_encode(&b, vectors[i].plain, strlen(vectors[i].plain));
		ck_assert_str_eq(buf_str(&b), vectors[i].coded);
		buf_clear(&b);
		ck_assert_int_eq(base64_decode(&b, vectors[i].coded,
					 strlen(vectors[i].coded)),
			0);
		ck_assert_str_eq(buf_str(&b), vectors[i].plain);
	}
	buf_release(&b);
}
END_TEST

START_TEST(every_byte_survives)
{
	struct buf b = BUF_INIT, back = BUF_INIT;
	unsigned char all[256];
	size_t i;

	for (i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	base64_encode(&b, all, sizeof(all));
	ck_assert_int_eq(base64_decode(&back, b.data, b.len), 0);
	ck_assert_uint_eq(back.len, sizeof(all));
	ck_assert_mem_eq(back.data, all, sizeof(all));
	buf_release(&b);
	buf_release(&back);
}
END_TEST

START_TEST(padding_may_be_missing)
{
	struct buf b = BUF_INIT;

	ck_assert_int_eq(base64_decode(&b, "Zg", 2), 0);
	ck_assert_int_eq(base64_decode(&b, "Zm8", 3), 0);
	ck_assert_str_eq(buf_str(&b), "ffo");
	buf_release(&b);
}
END_TEST

START_TEST(what_is_no_base64_is_refused)
{
	static const char *const bad[] = { "Z", "Zm9vY", "Zm9*", "Zm 9",
		"Zm9v\n", "=Zm9", "Zm=v", "-_-_" };
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(base64_decode(&b, bad[i], strlen(bad[i])) < 0,
			"%s", bad[i]);
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tests = tcase_create("base64");

	tcase_add_test(tests, known_texts_are_coded_and_read_back);
	tcase_add_test(tests, every_byte_survives);
	tcase_add_test(tests, padding_may_be_missing);
	tcase_add_test(tests, what_is_no_base64_is_refused);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
