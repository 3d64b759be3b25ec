#include "server/authorized_keys.h"

#include "base/base64.h"
#include "base/error.h"
#include "unit.h"

#define ED25519 \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QER" \
	"ITFBUWFxgZGhscHR4f"

static struct authorized_key
parsed(const char *line)
{
	struct authorized_key k;

	ck_assert_msg(authorized_key_parse(&k, line, strlen(line)) == 1, "%s",
		line);
	return k;
}

static int
checked(const char *line, struct error *err)
{
	struct authorized_key k = parsed(line);
	int rc = authorized_key_check(&k, err);

	authorized_key_release(&k);
	return rc;
}

START_TEST(a_key_has_options_type_and_comment)
{
	struct authorized_key k = parsed(ED25519);

	ck_assert_str_eq(k.options, "");
	ck_assert_str_eq(k.type, "ssh-ed25519");
	ck_assert_str_eq(k.comment, "");
	authorized_key_release(&k);
	k = parsed(
		"  from=\"a b,*.c\",command=\"x \\\"ssh-rsa\\\" y\"\t" ED25519
		"  ann at home\r");
	ck_assert_str_eq(k.options,
		"from=\"a b,*.c\",command=\"x \\\"ssh-rsa\\\" y\"");
	ck_assert_str_eq(k.type, "ssh-ed25519");
	ck_assert_str_eq(k.comment, "ann at home");
	authorized_key_release(&k);
}
END_TEST

START_TEST(what_is_no_key_is_told_from_what_is_empty)
{
	static const char *const empty[] = { "", "  \t", "# " ED25519, "\r" };
	static const char *const bad[] = { "x", "ssh-ed25519",
		"ssh-ed25519 AAAA", "command=\"x " ED25519, "ssh-rsa" ED25519,
		"-----BEGIN OPENSSH PRIVATE KEY-----" };
	struct authorized_key k;
	size_t i;

	for (i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		ck_assert_int_eq(authorized_key_parse(&k, empty[i],
					 strlen(empty[i])),
			0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(authorized_key_parse(&k, bad[i], strlen(bad[i])) <
				0,
			"%s", bad[i]);
}
END_TEST

/* A key of that type with one part of len bytes behind it. */
static char *
made(const char *type, size_t len)
{
	struct buf blob = BUF_INIT, line = BUF_INIT;
	size_t n = strlen(type), i;

	for (i = 0; i < 2; i++) {
		buf_add(&blob, "\0\0", 2);
		buf_addch(&blob, (char)(n >> 8));
		buf_addch(&blob, (char)n);
		if (i == 0)
			buf_addstr(&blob, type);
		n = len;
	}
	while (len--)
		buf_addch(&blob, 'x');
	buf_addf(&line, "%s ", type);
	base64_encode(&line, blob.data, blob.len);
	buf_release(&blob);
	return buf_detach(&line);
}

START_TEST(a_key_has_to_be_whole)
{
	static const struct {
		const char *type, *why;
		size_t len;
	} bad[] = {
		{ "ssh-ed25519", "cut off", 31 },
		{ "ssh-ed25519", "cut off", 33 },
		{ "ssh-ed25519", "cut off", 0 },
		{ "ssh-rsa", "cut off", 256 },
		{ "ecdsa-sha2-nistp256", "cut off", 65 },
		{ "sk-ssh-ed25519@openssh.com", "cut off", 32 },
		{ "ssh-dss", "not taken", 32 },
		{ "ssh-ed25519-cert-v01@openssh.com", "certificate", 32 },
	};
	struct error err = ERROR_INIT;
	size_t i;
	char *line;

	ck_assert_int_eq(checked(ED25519, &err), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		line = made(bad[i].type, bad[i].len);
		ck_assert_int_lt(checked(line, &err), 0);
		ck_assert_msg(strstr(err.text, bad[i].why), "%s: %s", line,
			err.text);
		free(line);
	}
	line = made("ssh-ed25519", 32);
	ck_assert_int_eq(checked(line, &err), 0);
	free(line);
}
END_TEST

START_TEST(a_fingerprint_is_that_of_ssh_keygen)
{
	struct authorized_key k = parsed(ED25519);
	struct buf b = BUF_INIT;

	authorized_key_fingerprint(&k, &b);
	ck_assert_uint_eq(b.len, 7 + 43);
	ck_assert(!strncmp(buf_str(&b), "SHA256:", 7));
	ck_assert_ptr_null(strchr(buf_str(&b), '='));
	buf_release(&b);
	authorized_key_release(&k);
}
END_TEST

START_TEST(limits_are_those_of_the_command)
{
	struct authorized_limits l;

	authorized_limits_parse(&l,
		"restrict,Command=\"/x/deployd --serve --app a,b --as=ann "
		"--allow read --hooks none\"");
	ck_assert(l.serves);
	ck_assert_str_eq(l.app, "a,b");
	ck_assert_str_eq(l.as, "ann");
	ck_assert_str_eq(l.allow, "read");
	ck_assert_str_eq(l.hooks, "none");
	ck_assert(l.forced);
	ck_assert_ptr_null(l.stray);
	authorized_limits_release(&l);
	authorized_limits_parse(&l,
		"command=\"deployd --serve --root /srv --alow read --as x\"");
	ck_assert(l.serves);
	ck_assert_str_eq(l.stray, "--alow");
	ck_assert_str_eq(l.as, "x");
	authorized_limits_release(&l);
	authorized_limits_parse(&l, "command=\"rsync --server\"");
	ck_assert(l.forced && !l.serves);
	authorized_limits_release(&l);
	authorized_limits_parse(&l,
		"environment=\"A=,command=\\\"deployd --serve\\\"\"");
	ck_assert(!l.serves);
	authorized_limits_release(&l);
	authorized_limits_parse(&l, "command=\"deployd --app --as --serve\"");
	ck_assert(l.serves);
	ck_assert_str_eq(l.app, "--as");
	ck_assert_ptr_null(l.as);
	authorized_limits_release(&l);
	authorized_limits_parse(&l, "command=\"deployd --serve");
	ck_assert(!l.serves);
	authorized_limits_release(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("authorized_keys");
	TCase *tests = tcase_create("authorized_keys");

	tcase_add_test(tests, a_key_has_options_type_and_comment);
	tcase_add_test(tests, what_is_no_key_is_told_from_what_is_empty);
	tcase_add_test(tests, a_key_has_to_be_whole);
	tcase_add_test(tests, a_fingerprint_is_that_of_ssh_keygen);
	tcase_add_test(tests, limits_are_those_of_the_command);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
