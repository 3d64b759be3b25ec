#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "transport/deadline.h"
#include "transport/ssh_config.h"
#include "transport/transport.h"

static struct ssh_config c;

static void
setup(void)
{
	setenv("SSH_AUTH_SOCK", "/run/agent", 1);
	ssh_config_init(&c, "web1");
}

static void
teardown(void)
{
	ssh_config_release(&c);
}

START_TEST(without_ssh_its_defaults_stand)
{
	ck_assert_str_eq(c.hostname, "web1");
	ck_assert_int_eq(c.port, 22);
	ck_assert_int_eq(c.family, AF_UNSPEC);
	ck_assert_int_eq(c.strict, STRICT_ASK);
	ck_assert_str_eq(c.agent, "/run/agent");
	ck_assert_uint_eq(c.identities.n, 3);
	ck_assert_uint_eq(c.user_known_hosts.n, 2);
	ck_assert_ptr_nonnull(strstr(c.user_known_hosts.v[0],
		"/.ssh/known_hosts"));
	ck_assert_ptr_null(c.needs_ssh);
	ck_assert(c.user[0]);
}
END_TEST

START_TEST(every_keyword_is_read)
{
	ssh_config_parse(&c,
		"host web1\n"
		"user deploy\n"
		"hostname web1.example.org\n"
		"port 2222\n"
		"addressfamily inet6\n"
		"batchmode yes\n"
		"hashknownhosts yes\n"
		"identitiesonly yes\n"
		"stricthostkeychecking accept-new\n"
		"serveraliveinterval 7\n"
		"serveralivecountmax 2\n"
		"identityfile ~/.ssh/id_%r\n"
		"identityfile /keys/with space\n"
		"identityagent /run/%u/agent\n"
		"globalknownhostsfile /etc/ssh/a /etc/ssh/b\n"
		"userknownhostsfile /home/d/known hosts /home/d/more\n"
		"hostkeyalias alias\n"
		"proxyjump jump.example.org\n"
		"proxycommand nc %h %p\n"
		"connecttimeout 90\n"
		"ciphers aes128-ctr,aes256-ctr\n");
	ck_assert_str_eq(c.user, "deploy");
	ck_assert_str_eq(c.hostname, "web1.example.org");
	ck_assert_int_eq(c.port, 2222);
	ck_assert_int_eq(c.family, AF_INET6);
	ck_assert(c.batch);
	ck_assert(c.hash_known_hosts);
	ck_assert(c.identities_only);
	ck_assert_int_eq(c.strict, STRICT_ACCEPT_NEW);
	ck_assert_int_eq(c.alive_interval, 7);
	ck_assert_int_eq(c.alive_count, 2);
	ck_assert_uint_eq(c.identities.n, 2);
	ck_assert_ptr_nonnull(strstr(c.identities.v[0], "/.ssh/id_deploy"));
	ck_assert_int_eq(c.identities.v[0][0], '/');
	ck_assert_str_eq(c.identities.v[1], "/keys/with space");
	ck_assert_uint_eq(c.global_known_hosts.n, 2);
	ck_assert_uint_eq(c.user_known_hosts.n, 2);
	ck_assert_str_eq(c.user_known_hosts.v[0], "/home/d/known hosts");
	ck_assert_str_eq(c.host_key_alias, "alias");
	ck_assert_str_eq(c.proxy_jump, "jump.example.org");
	ck_assert_str_eq(c.proxy_command, "nc %h %p");
	ck_assert_int_eq(c.connect_timeout, 90);
	ck_assert_str_eq(c.ciphers, "aes128-ctr,aes256-ctr");
	ck_assert_ptr_null(c.needs_ssh);
}
END_TEST

/* The host's name may stand behind what is made of it. */
START_TEST(tokens_see_the_final_host_and_user)
{
	ssh_config_parse(&c,
		"identityfile /keys/%h-%r-%p-%n\n"
		"hostname real\n"
		"user u\n"
		"port 5\n");
	ck_assert_str_eq(c.identities.v[0], "/keys/real-u-5-web1");
}
END_TEST

START_TEST(agents_have_four_forms)
{
	ssh_config_parse(&c, "identityagent none\n");
	ck_assert_ptr_null(c.agent);
	ssh_config_parse(&c, "identityagent SSH_AUTH_SOCK\n");
	ck_assert_str_eq(c.agent, "/run/agent");
	setenv("OTHER_AGENT", "/run/other", 1);
	ssh_config_parse(&c, "identityagent $OTHER_AGENT\n");
	ck_assert_str_eq(c.agent, "/run/other");
	ssh_config_parse(&c, "identityagent /tmp/a b\n");
	ck_assert_str_eq(c.agent, "/tmp/a b");
}
END_TEST

START_TEST(none_takes_a_value_away)
{
	ssh_config_parse(&c,
		"proxyjump none\n"
		"proxycommand none\n"
		"controlpath none\n"
		"identityfile none\n"
		"userknownhostsfile none\n"
		"connecttimeout none\n");
	ck_assert_ptr_null(c.proxy_jump);
	ck_assert_ptr_null(c.proxy_command);
	ck_assert_ptr_null(c.control_path);
	ck_assert_uint_eq(c.identities.n, 0);
	ck_assert_uint_eq(c.user_known_hosts.n, 0);
	ck_assert_int_eq(c.connect_timeout, 0);
}
END_TEST

START_TEST(a_host_or_a_user_may_be_called_none)
{
	struct buf out = BUF_INIT;

	ssh_config_parse(&c, "hostname none\nuser none\n");
	ck_assert_ptr_nonnull(c.hostname);
	ck_assert_ptr_nonnull(c.user);
	ck_assert_int_eq(ssh_config_expand(&c, "%r@%h", &out), 0);
	ck_assert_str_eq(out.data, "none@none");
	buf_release(&out);
}
END_TEST

START_TEST(what_libssh2_cannot_honour_is_left_to_ssh)
{
	ssh_config_parse(&c,
		"forwardagent yes\n"
		"verifyhostkeydns false\n"
		"proxyusefdpass no\n"
		"pubkeyauthentication true\n");
	ck_assert_ptr_null(c.needs_ssh);
	ssh_config_parse(&c, "certificatefile /home/d/id-cert.pub\n");
	ck_assert_ptr_nonnull(c.needs_ssh);
	ck_assert_ptr_nonnull(strstr(c.needs_ssh, "CertificateFile"));
}
END_TEST

START_TEST(strictness_has_its_synonyms)
{
	static const struct {
		const char *line;
		enum strict want;
	} cases[] = {
		{ "stricthostkeychecking yes", STRICT_YES },
		{ "stricthostkeychecking true", STRICT_YES },
		{ "stricthostkeychecking no", STRICT_NO },
		{ "stricthostkeychecking off", STRICT_NO },
		{ "stricthostkeychecking false", STRICT_NO },
		{ "stricthostkeychecking ask", STRICT_ASK },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ssh_config_parse(&c, cases[i].line);
		ck_assert_int_eq(c.strict, cases[i].want);
	}
}
END_TEST

/* Where a dead peer would be found after a quarter of an hour. */
START_TEST(what_debian_says_unasked_is_no_deadline)
{
	struct transport_options o = { .alive_timeout = 0 };

	ssh_config_parse(&c,
		"batchmode yes\nserveraliveinterval 300\n"
		"serveralivecountmax 3\nconnecttimeout none\n");
	ck_assert_int_eq(deadline_alive(&o, &c), 30000);
	ck_assert_int_eq(deadline_connect(&o, &c), 15000);
	ssh_config_parse(&c, "batchmode no\nserveraliveinterval 300\n");
	ck_assert_int_eq(deadline_alive(&o, &c), 900000);
}
END_TEST

START_TEST(deadlines_are_within_reason)
{
	struct transport_options o = { .alive_timeout = 0 };

	ssh_config_parse(&c,
		"serveraliveinterval 1\nserveralivecountmax 1\n"
		"connecttimeout 7\n");
	ck_assert_int_eq(deadline_alive(&o, &c), 6000);
	ck_assert_int_eq(deadline_connect(&o, &c), 7000);
	ck_assert_int_eq(deadline_answer(&o, &c), 7000);
	ck_assert_int_eq(deadline_start(&o, &c), 20000);
	ssh_config_parse(&c,
		"serveraliveinterval 52w\nserveralivecountmax 2000000000\n");
	ck_assert_int_gt(deadline_alive(&o, &c), 0);
	ck_assert_int_gt(deadline_start(&o, &c), 0);
	o.alive_timeout = 9;
	o.connect_timeout = 2;
	ck_assert_int_eq(deadline_alive(&o, &c), 9000);
	ck_assert_int_eq(deadline_start(&o, &c), 13000);
}
END_TEST

START_TEST(an_unknown_token_is_no_path)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(ssh_config_expand(&c, "/x/%C", &out), -1);
	buf_clear(&out);
	ck_assert_int_eq(ssh_config_expand(&c, "/x/%", &out), -1);
	buf_clear(&out);
	ck_assert_int_eq(ssh_config_expand(&c, "${SSH_AUTH_SOCK}/%%", &out), 0);
	ck_assert_str_eq(buf_str(&out), "/run/agent/%");
	buf_clear(&out);
	ck_assert_int_eq(ssh_config_expand(&c, "${NO_SUCH_NAME}", &out), -1);
	buf_release(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ssh_config");
	TCase *t = tcase_create("ssh_config");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, without_ssh_its_defaults_stand);
	tcase_add_test(t, every_keyword_is_read);
	tcase_add_test(t, tokens_see_the_final_host_and_user);
	tcase_add_test(t, agents_have_four_forms);
	tcase_add_test(t, none_takes_a_value_away);
	tcase_add_test(t, a_host_or_a_user_may_be_called_none);
	tcase_add_test(t, what_libssh2_cannot_honour_is_left_to_ssh);
	tcase_add_test(t, strictness_has_its_synonyms);
	tcase_add_test(t, what_debian_says_unasked_is_no_deadline);
	tcase_add_test(t, deadlines_are_within_reason);
	tcase_add_test(t, an_unknown_token_is_no_path);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
