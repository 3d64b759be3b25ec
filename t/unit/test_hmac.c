#include "base/hmac.h"

#include "unit.h"

static void
expect(const char *key, const char *data, const char *want)
{
	uint8_t out[HMAC_SHA1_SIZE];
	char hex[2 * HMAC_SHA1_SIZE + 1];
	size_t i;

	hmac_sha1(key, strlen(key), data, strlen(data), out);
	for (i = 0; i < sizeof(out); i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	ck_assert_str_eq(hex, want);
}

/* Of RFC 2202, section 3. */
START_TEST(published_vectors_hold)
{
	char key[81];

	expect("Jefe", "what do ya want for nothing?",
		"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(key, 0x0b, 20);
	key[20] = '\0';
	expect(key, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00");
	/* A key longer than a block is hashed first. */
	memset(key, 0xaa, 80);
	key[80] = '\0';
	expect(key, "Test Using Larger Than Block-Size Key - Hash Key First",
		"aa4ae5e15272d00e95705637ce8a3b55ed402112");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hmac");
	TCase *tests = tcase_create("hmac");

	tcase_add_test(tests, published_vectors_hold);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
