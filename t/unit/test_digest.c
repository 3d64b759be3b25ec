#include "base/digest.h"

#include "unit.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOTHING \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MILLION_A \
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void
expect(const uint8_t d[static DIGEST_SIZE], const char *want)
{
	char hex[DIGEST_HEX + 1];

	digest_to_hex(d, hex);
	ck_assert_str_eq(hex, want);
}

START_TEST(known_texts_have_their_published_digests)
{
	uint8_t out[DIGEST_SIZE];

	digest_bytes("abc", 3, out);
	expect(out, ABC);
	digest_bytes("", 0, out);
	expect(out, NOTHING);
}
END_TEST

START_TEST(pieces_hash_as_the_whole_and_a_final_starts_anew)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_SIZE];

	digest_update(d, "a", 1);
	digest_update(d, "", 0);
	digest_update(d, "bc", 2);
	digest_final(d, out);
	expect(out, ABC);
	digest_final(d, out);
	expect(out, NOTHING);
	digest_update(d, "abc", 3);
	digest_final(d, out);
	expect(out, ABC);
	digest_free(d);
	digest_free(NULL);
}
END_TEST

START_TEST(a_file_is_hashed_from_its_offset_to_the_end)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_SIZE];
	char *text = malloc(1000001);
	int fd;

	unit_dir();
	memset(text, 'a', 1000000);
	text[1000000] = '\0';
	unit_write("f", text);
	free(text);
	fd = open("f", O_RDONLY);
	ck_assert_int_eq(digest_fd(d, fd, out), 1000000);
	expect(out, MILLION_A);
	ck_assert_int_eq(digest_fd(d, fd, out), 0);
	expect(out, NOTHING);
	close(fd);
	digest_free(d);
}
END_TEST

START_TEST(a_failed_read_leaves_the_hash_usable)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_SIZE];
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	digest_update(d, "rest", 4);
	ck_assert_int_eq(digest_fd(d, fd, out), -1);
	digest_update(d, "abc", 3);
	digest_final(d, out);
	expect(out, ABC);
	close(fd);
	digest_free(d);
}
END_TEST

START_TEST(hexadecimal_text_is_read_back_strictly)
{
	uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	digest_bytes("x", 1, a);
	digest_to_hex(a, hex);
	ck_assert_int_eq(digest_from_hex(hex, b), 0);
	ck_assert_mem_eq(a, b, DIGEST_SIZE);
	hex[63] = 'G';
	ck_assert_int_eq(digest_from_hex(hex, b), -1);
	hex[63] = 'A';
	ck_assert_int_eq(digest_from_hex(hex, b), -1);
	hex[63] = '\0';
	ck_assert_int_eq(digest_from_hex(hex, b), -1);
	ck_assert_int_eq(digest_from_hex("", b), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tests = tcase_create("digest");

	tcase_add_test(tests, known_texts_have_their_published_digests);
	tcase_add_test(tests, pieces_hash_as_the_whole_and_a_final_starts_anew);
	tcase_add_test(tests, a_file_is_hashed_from_its_offset_to_the_end);
	tcase_add_test(tests, a_failed_read_leaves_the_hash_usable);
	tcase_add_test(tests, hexadecimal_text_is_read_back_strictly);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
