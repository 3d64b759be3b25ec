#include "client/options.h"
#include "unit.h"

static int
run(struct options *o, struct error *err)
{
	return 0;
}

static const struct verb verbs[] = {
	{ "push", run, "[TARGET [DIR]]", "" },
	{ "diff", run, "[TARGET [DIR]]", "" },
	{ "status", run, "[TARGET]", "" },
	{ "log", run, "[TARGET [ID]]", "" },
	{ "help", run, "[VERB]", "" },
	{ "version", run, "", "" },
	{ NULL, NULL, NULL, NULL },
};

static struct options o;
static struct error err;

/* Splits a line at blanks and parses it. */
static bool
parse(const char *line)
{
	static struct strv words;

	options_release(&o);
	strv_clear(&words);
	strv_add(&words, "deploy");
	strv_split(&words, line, " ");
	err = (struct error)ERROR_INIT;
	return options_parse(&o, verbs, (int)words.n, words.v, &err) == 0;
}

static void
refuse(const char *line, const char *what)
{
	ck_assert_msg(!parse(line), "%s is taken", line);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_msg(strstr(err.text, what), "%s: %s", line, err.text);
	ck_assert(err.hint[0]);
}

START_TEST(without_a_verb_it_is_push)
{
	ck_assert(parse(""));
	ck_assert_str_eq(o.verb->name, "push");
	ck_assert_uint_eq(o.args.n, 0);
	ck_assert(parse("web1:blog dir"));
	ck_assert_str_eq(o.verb->name, "push");
	ck_assert_str_eq(o.args.v[0], "web1:blog");
	ck_assert_str_eq(o.args.v[1], "dir");
	refuse("web1:blog dir more", "'more' is one word too many");
}
END_TEST

START_TEST(options_stand_before_and_behind)
{
	ck_assert(parse("-v diff --files web1:blog --exit-code -p 22"));
	ck_assert_str_eq(o.verb->name, "diff");
	ck_assert(o.files && o.exit_code);
	ck_assert_int_eq(o.port, 22);
	ck_assert_int_eq(o.level, LOG_VERBOSE);
	ck_assert_str_eq(o.args.v[0], "web1:blog");
}
END_TEST

START_TEST(a_rate_is_of_kib_or_of_a_unit)
{
	static const char *const bad[] = { "x", "1x", "-1", "+1", "1.2.3", ".5",
		"1kb", "k", "1e3", "0x10", "2000000G", "0.0001", "inf" };
	char line[40];
	size_t i;

	ck_assert(parse(""));
	ck_assert_ptr_null(o.limit);
	ck_assert(parse("--bwlimit=100 web1:blog"));
	ck_assert_uint_eq(o.limit->rate, 102400);
	ck_assert(parse("--bwlimit 1.5m web1:blog"));
	ck_assert_uint_eq(o.limit->rate, 1572864);
	ck_assert(parse("--bwlimit=2K --bwlimit=1G web1:blog"));
	ck_assert_uint_eq(o.limit->rate, 1 << 30);
	ck_assert(parse("--bwlimit=5 --bwlimit=0 web1:blog"));
	ck_assert_ptr_null(o.limit);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(line, sizeof(line), "--bwlimit=%s", bad[i]);
		refuse(line, "is not a rate");
	}
	refuse("status --bwlimit=1", "--bwlimit");
}
END_TEST

START_TEST(values_are_joined_or_follow)
{
	ck_assert(parse("-p2222 -i a -ib --tar=x.tar --wait"));
	ck_assert_int_eq(o.port, 2222);
	ck_assert_uint_eq(o.identities.n, 2);
	ck_assert_str_eq(o.tar, "x.tar");
	ck_assert(o.wait);
	ck_assert_uint_eq(o.wait_seconds, 600);
	ck_assert(parse("--tar x.tar --wait=5 web1:a"));
	ck_assert_str_eq(o.tar, "x.tar");
	ck_assert_uint_eq(o.wait_seconds, 5);
	ck_assert_uint_eq(o.args.n, 1);
	/* The value of --wait may only be joined. */
	ck_assert(parse("--wait web1:a"));
	ck_assert_str_eq(o.args.v[0], "web1:a");
}
END_TEST

START_TEST(the_same_letter_differs_by_verb)
{
	ck_assert(parse("-n"));
	ck_assert(o.dry_run);
	ck_assert(parse("log -n 20"));
	ck_assert_uint_eq(o.lines, 20);
	refuse("log -n 0", "-n");
	refuse("status -n", "no option of `deploy status'");
}
END_TEST

START_TEST(wrong_usage_is_named)
{
	refuse("--no-such", "--no-such");
	refuse("-Z", "-Z");
	refuse("-p", "-p needs a value");
	refuse("-p 0", "'0' is not a port");
	refuse("-p 65536", "port");
	refuse("--json=yes", "takes none");
	refuse("--transport=telnet", "telnet");
	refuse("--deployd=a;b", "a;b");
	refuse("--deployd=-x", "-x");
	refuse("--wait=soon", "soon");
	refuse("--expect=", "--expect");
	refuse("-o Port", "KEY=VALUE");
	refuse("--files", "--files is for `deploy diff'");
	refuse("doctor web1", "`deploy doctor' is not there yet");
}
END_TEST

START_TEST(a_later_verb_may_not_be_a_remote)
{
	ck_assert(verb_is_reserved("push"));
	ck_assert(verb_is_reserved("setup"));
	ck_assert(!verb_is_reserved("production"));
}
END_TEST

START_TEST(words_behind_two_dashes_are_words)
{
	ck_assert(parse("-- status -x"));
	ck_assert_str_eq(o.verb->name, "push");
	ck_assert_str_eq(o.args.v[0], "status");
	ck_assert_str_eq(o.args.v[1], "-x");
}
END_TEST

START_TEST(help_and_version_win)
{
	ck_assert(parse("diff -h --tar=x"));
	ck_assert_str_eq(o.verb->name, "help");
	ck_assert_str_eq(o.args.v[0], "diff");
	ck_assert(parse("-V"));
	ck_assert_str_eq(o.verb->name, "version");
}
END_TEST

START_TEST(quiet_and_verbose)
{
	ck_assert(parse("-q"));
	ck_assert_int_eq(o.level, LOG_QUIET);
	ck_assert(parse("-vvv"));
	ck_assert_int_eq(o.level, LOG_DEBUG);
	ck_assert(parse("-qv"));
	ck_assert_int_eq(o.level, LOG_VERBOSE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("options");
	TCase *tests = tcase_create("options");

	tcase_add_test(tests, without_a_verb_it_is_push);
	tcase_add_test(tests, options_stand_before_and_behind);
	tcase_add_test(tests, values_are_joined_or_follow);
	tcase_add_test(tests, a_rate_is_of_kib_or_of_a_unit);
	tcase_add_test(tests, the_same_letter_differs_by_verb);
	tcase_add_test(tests, wrong_usage_is_named);
	tcase_add_test(tests, a_later_verb_may_not_be_a_remote);
	tcase_add_test(tests, words_behind_two_dashes_are_words);
	tcase_add_test(tests, help_and_version_win);
	tcase_add_test(tests, quiet_and_verbose);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
