#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "transport/known_hosts.h"

/* Public keys of nobody: a type in SSH's form and some bytes. */
static struct buf ed_a, ed_b, rsa_a;

static void
make(struct buf *b, const char *type, char fill)
{
	const char len[4] = { 0, 0, 0, (char)strlen(type) };

	buf_add(b, len, 4);
	buf_addstr(b, type);
	while (b->len < 51)
		buf_addch(b, fill);
}

static void
setup(void)
{
	make(&ed_a, "ssh-ed25519", 'a');
	make(&ed_b, "ssh-ed25519", 'b');
	make(&rsa_a, "ssh-rsa", 'r');
}

static void
teardown(void)
{
	buf_release(&ed_a);
	buf_release(&ed_b);
	buf_release(&rsa_a);
}

static void
add_line(struct buf *text, const char *names, const char *type,
	const struct buf *key)
{
	buf_addf(text, "%s %s ", names, type);
	base64_encode(text, key->data, key->len);
	buf_addstr(text, " a comment\n");
}

/* The verdict on ed_a for host and port, by these lines. */
static enum known_hosts_result
verdict(const char *host, int port, const struct buf *text, int *line)
{
	const struct known_hosts_entry *entry = NULL;
	enum known_hosts_result result;
	struct known_hosts k;

	known_hosts_init(&k, host, port);
	known_hosts_text(&k, "file", buf_str(text), text->len);
	result = known_hosts_check(&k, "ssh-ed25519", ed_a.data, ed_a.len,
		&entry);
	if (line)
		*line = entry ? entry->line : 0;
	known_hosts_release(&k);
	return result;
}

static enum known_hosts_result
verdict_of(const char *names, const char *host, int port)
{
	struct buf text = BUF_INIT;
	enum known_hosts_result result;

	add_line(&text, names, "ssh-ed25519", &ed_a);
	result = verdict(host, port, &text, NULL);
	buf_release(&text);
	return result;
}

START_TEST(names_match_as_patterns)
{
	static const struct {
		const char *names, *host;
		int port, want;
	} cases[] = {
		{ "web1", "web1", 22, 1 },
		{ "web1", "WEB1", 22, 1 },
		{ "WEB1", "web1", 22, 1 },
		{ "web1", "web10", 22, 0 },
		{ "db,web1,x", "web1", 22, 1 },
		{ "web*", "web1.example.org", 22, 1 },
		{ "*.example.org", "web1.example.org", 22, 1 },
		{ "*.example.org", "example.org", 22, 0 },
		{ "web?", "web1", 22, 1 },
		{ "web?", "web", 22, 0 },
		{ "*b*1", "web-b-11", 22, 1 },
		{ "!web1,*", "web1", 22, 0 },
		{ "*,!web1", "web1", 22, 0 },
		{ "*,!web1", "web2", 22, 1 },
		{ "!web1", "web2", 22, 0 },
		{ "[web1]:2222", "web1", 2222, 1 },
		{ "[web1]:2222", "web1", 22, 0 },
		{ "[web1]:2222", "web1", 2223, 0 },
		{ "[*]:2222", "web1", 2222, 1 },
		{ "[::1]:2222", "::1", 2222, 1 },
		{ "::1", "::1", 22, 1 },
		/* The same key without its port vouches, as for ssh. */
		{ "web1", "web1", 2222, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(verdict_of(cases[i].names, cases[i].host,
				      cases[i].port) ==
				(cases[i].want ? KNOWN_HOSTS_MATCH :
						 KNOWN_HOSTS_UNKNOWN),
			"%s against %s port %d", cases[i].names, cases[i].host,
			cases[i].port);
}
END_TEST

START_TEST(hashed_names_match)
{
	const unsigned char salt[20] = "01234567890123456789";
	struct buf text = BUF_INIT;

	known_hosts_line("[web1]:2222", "ssh-ed25519", ed_a.data, ed_a.len,
		salt, &text);
	ck_assert_int_eq(strncmp(text.data, "|1|", 3), 0);
	ck_assert_ptr_null(strstr(text.data, "web1"));
	ck_assert_int_eq(verdict("web1", 2222, &text, NULL), KNOWN_HOSTS_MATCH);
	ck_assert_int_eq(verdict("web2", 2222, &text, NULL),
		KNOWN_HOSTS_UNKNOWN);
	ck_assert_int_eq(verdict("web1", 22, &text, NULL), KNOWN_HOSTS_UNKNOWN);
	buf_release(&text);
}
END_TEST

/* What ssh-keygen -H makes of "example.org". */
START_TEST(a_hash_of_others_matches)
{
	struct buf text = BUF_INIT;

	add_line(&text,
		"|1|tYjMYqqZoMGGhmq+FhtFaHKZtjk=|"
		"uefmpm+APirUfIwPLhBYJ4vQzUA=",
		"ssh-ed25519", &ed_a);
	ck_assert_int_eq(verdict("example.org", 22, &text, NULL),
		KNOWN_HOSTS_MATCH);
	ck_assert_int_eq(verdict("other.org", 22, &text, NULL),
		KNOWN_HOSTS_UNKNOWN);
	buf_release(&text);
}
END_TEST

START_TEST(a_changed_key_names_its_line)
{
	struct buf text = BUF_INIT;
	int line;

	buf_addstr(&text, "# comment\n\n");
	add_line(&text, "web1", "ssh-ed25519", &ed_b);
	ck_assert_int_eq(verdict("web1", 22, &text, &line),
		KNOWN_HOSTS_CHANGED);
	ck_assert_int_eq(line, 3);
	/* Another line may have the right one. */
	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	ck_assert_int_eq(verdict("web1", 22, &text, &line), KNOWN_HOSTS_MATCH);
	ck_assert_int_eq(line, 4);
	buf_release(&text);
}
END_TEST

START_TEST(a_line_without_the_port_cannot_accuse)
{
	struct buf text = BUF_INIT;

	add_line(&text, "web1", "ssh-ed25519", &ed_b);
	ck_assert_int_eq(verdict("web1", 2222, &text, NULL),
		KNOWN_HOSTS_UNKNOWN);
	/* Nor vouch against one that has the port. */
	buf_clear(&text);
	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	add_line(&text, "[web1]:2222", "ssh-ed25519", &ed_b);
	ck_assert_int_eq(verdict("web1", 2222, &text, NULL),
		KNOWN_HOSTS_CHANGED);
	buf_release(&text);
}
END_TEST

START_TEST(a_key_of_another_type_is_not_a_change)
{
	struct buf text = BUF_INIT;

	add_line(&text, "web1", "ssh-rsa", &rsa_a);
	ck_assert_int_eq(verdict("web1", 22, &text, NULL), KNOWN_HOSTS_OTHER);
	buf_release(&text);
}
END_TEST

START_TEST(a_revoked_key_is_refused_wherever_it_stands)
{
	struct buf text = BUF_INIT;
	int line;

	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	add_line(&text, "@revoked *", "ssh-ed25519", &ed_a);
	ck_assert_int_eq(verdict("web1", 22, &text, &line),
		KNOWN_HOSTS_REVOKED_KEY);
	ck_assert_int_eq(line, 2);
	buf_clear(&text);
	/* Another key being revoked is no obstacle. */
	add_line(&text, "@revoked *", "ssh-ed25519", &ed_b);
	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	ck_assert_int_eq(verdict("web1", 22, &text, NULL), KNOWN_HOSTS_MATCH);
	buf_release(&text);
}
END_TEST

START_TEST(an_authority_is_noticed_but_vouches_for_no_key)
{
	struct buf text = BUF_INIT;
	struct known_hosts k;

	add_line(&text, "@cert-authority *.org", "ssh-ed25519", &ed_a);
	ck_assert_int_eq(verdict("web.org", 22, &text, NULL),
		KNOWN_HOSTS_UNKNOWN);
	known_hosts_init(&k, "web.org", 22);
	known_hosts_text(&k, "file", text.data, text.len);
	ck_assert(known_hosts_authority(&k));
	ck_assert(!known_hosts_any(&k));
	known_hosts_release(&k);
	buf_release(&text);
}
END_TEST

START_TEST(bad_lines_are_skipped_with_a_warning)
{
	struct known_hosts k;
	struct buf text = BUF_INIT;

	buf_addstr(&text,
		"web1\n"
		"web1 ssh-ed25519 not*base64\n"
		"web1 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA\n"
		"@nonsense web1 ssh-ed25519 AAAA\n"
		"|1|broken ssh-ed25519 AAAA\n"
		"   # a comment\r\n"
		"\t\n");
	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	known_hosts_init(&k, "web1", 22);
	known_hosts_text(&k, "file", text.data, text.len);
	ck_assert_uint_eq(k.warnings.n, 5);
	ck_assert_ptr_nonnull(strstr(k.warnings.v[1], "file:2:"));
	ck_assert_uint_eq(k.n, 1);
	ck_assert_int_eq(k.v[0].line, 8);
	known_hosts_release(&k);
	buf_release(&text);
}
END_TEST

START_TEST(the_last_line_needs_no_newline)
{
	struct buf text = BUF_INIT;

	add_line(&text, "web1", "ssh-ed25519", &ed_a);
	buf_truncate(&text, text.len - 1);
	ck_assert_int_eq(verdict("web1", 22, &text, NULL), KNOWN_HOSTS_MATCH);
	buf_release(&text);
}
END_TEST

START_TEST(algorithms_of_known_keys_come_first)
{
	struct buf text = BUF_INIT, order = BUF_INIT;
	struct known_hosts k;

	add_line(&text, "web1", "ssh-rsa", &rsa_a);
	known_hosts_init(&k, "web1", 22);
	known_hosts_text(&k, "file", text.data, text.len);
	known_hosts_order(&k,
		"ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256",
		&order);
	ck_assert_str_eq(order.data,
		"rsa-sha2-512,rsa-sha2-256,ssh-ed25519,ecdsa-sha2-nistp256");
	known_hosts_release(&k);
	buf_release(&text);
	buf_release(&order);
}
END_TEST

START_TEST(a_missing_file_is_an_empty_one)
{
	struct known_hosts k;

	known_hosts_init(&k, "web1", 22);
	known_hosts_file(&k, "/nonexistent/known_hosts");
	ck_assert_uint_eq(k.warnings.n, 0);
	ck_assert_uint_eq(k.n, 0);
	known_hosts_file(&k, "/");
	ck_assert_uint_eq(k.warnings.n, 1);
	known_hosts_release(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("known_hosts");
	TCase *c = tcase_create("known_hosts");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, names_match_as_patterns);
	tcase_add_test(c, hashed_names_match);
	tcase_add_test(c, a_hash_of_others_matches);
	tcase_add_test(c, a_changed_key_names_its_line);
	tcase_add_test(c, a_line_without_the_port_cannot_accuse);
	tcase_add_test(c, a_key_of_another_type_is_not_a_change);
	tcase_add_test(c, a_revoked_key_is_refused_wherever_it_stands);
	tcase_add_test(c, an_authority_is_noticed_but_vouches_for_no_key);
	tcase_add_test(c, bad_lines_are_skipped_with_a_warning);
	tcase_add_test(c, the_last_line_needs_no_newline);
	tcase_add_test(c, algorithms_of_known_keys_come_first);
	tcase_add_test(c, a_missing_file_is_an_empty_one);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
