#include "base/settings.h"

#include "base/error.h"
#include "unit.h"

static struct settings s;
static struct error err;

static int
parse(const char *text)
{
	settings_release(&s);
	return settings_parse(&s, "deploy.conf", text, strlen(text), &err);
}

static const char *
value(const char *section, const char *name, const char *key)
{
	const struct setting *e = settings_get(&s, section, name, key);

	return e ? e->value : "(none)";
}

static void
expect_error(const char *text, const char *want)
{
	ck_assert_msg(parse(text) < 0, "accepted: %s", text);
	ck_assert_msg(!strncmp(err.text, want, strlen(want)), "%s: %s", text,
		err.text);
}

START_TEST(sections_names_and_keys_are_read)
{
	ck_assert_int_eq(parse("# a comment\n"
			       "\n"
			       "[app]\n"
			       "dir = public\n"
			       "\tshared=storage/ \t\n"
			       "[remote \"production\"]\r\n"
			       "url = deploy@web1:blog\r\n"
			       "  ; another\n"
			       "[hooks]\n"
			       "check_timeout = 5"),
		0);
	ck_assert_uint_eq(s.n, 4);
	ck_assert_str_eq(value("app", "", "dir"), "public");
	ck_assert_str_eq(value("app", "", "shared"), "storage/");
	ck_assert_str_eq(value("remote", "production", "url"),
		"deploy@web1:blog");
	ck_assert_str_eq(value("remote", "", "url"), "(none)");
	ck_assert_str_eq(value("hooks", "", "check_timeout"), "5");
	ck_assert_int_eq(s.v[2].line, 7);
}
END_TEST

START_TEST(a_value_is_the_rest_of_the_line_whatever_it_holds)
{
	ck_assert_int_eq(parse("[hooks]\n"
			       "build = npm ci ; npm test # both\n"
			       "build = a = \"b\" 'c' \\\n"
			       "restart =\n"),
		0);
	ck_assert_str_eq(s.v[0].value, "npm ci ; npm test # both");
	ck_assert_str_eq(s.v[1].value, "a = \"b\" 'c' \\");
	ck_assert_str_eq(s.v[2].value, "");
}
END_TEST

START_TEST(long_lines_are_whole)
{
	char text[20000] = "[hooks]\nbuild = ";
	size_t len = strlen(text);

	memset(text + len, 'x', sizeof(text) - len - 1);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(strlen(s.v[0].value), sizeof(text) - len - 1);
}
END_TEST

START_TEST(a_repeated_key_adds_a_value_and_get_gives_the_last)
{
	ck_assert_int_eq(parse("[hooks]\nbuild = a\n[app]\ndir = d\n"
			       "[hooks]\nbuild = b\n"),
		0);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_str_eq(s.v[0].value, "a");
	ck_assert_str_eq(value("hooks", "", "build"), "b");
}
END_TEST

START_TEST(errors_name_the_file_and_the_line)
{
	expect_error("[app]\n\nnonsense\n", "deploy.conf:3: ");
	expect_error("[app]\ndir\n", "deploy.conf:2: ");
	expect_error("[app]\n= x\n", "deploy.conf:2: ");
	expect_error("[app]\ntwo words = x\n", "deploy.conf:2: ");
	expect_error("key = x\n", "deploy.conf:1: a key before");
	expect_error("[app\n", "deploy.conf:1: ");
	expect_error("[\n", "deploy.conf:1: ");
	expect_error("[]\n", "deploy.conf:1: ");
	expect_error("[a b]\n", "deploy.conf:1: ");
	expect_error("[remote \"x]\n", "deploy.conf:1: ");
	expect_error("[remote \"]\n", "deploy.conf:1: ");
	expect_error("[remote x\"]\n", "deploy.conf:1: ");
	expect_error("[remote \"a\"b\"]\n", "deploy.conf:1: ");
	expect_error("[app] x\n", "deploy.conf:1: ");
	expect_error("[app]\ndir = a\033[31m\n", "deploy.conf:2: a control");
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
	static const char text[] = "[app]\ndir = a\0b\n";

	ck_assert_int_eq(settings_parse(&s, "f", text, sizeof(text) - 1, &err),
		-1);
	settings_release(&s);
}
END_TEST

START_TEST(the_size_is_bounded_to_the_byte)
{
	char *text = malloc(SETTINGS_MOST + 1);

	memset(text, '\n', SETTINGS_MOST + 1);
	ck_assert_int_eq(settings_parse(&s, "f", text, SETTINGS_MOST, &err), 0);
	settings_release(&s);
	ck_assert_int_eq(settings_parse(&s, "f", text, SETTINGS_MOST + 1, &err),
		-1);
	settings_release(&s);
	free(text);
}
END_TEST

static const struct settings_known known[] = {
	{ "app", false, "dir", false },
	{ "remote", true, "url", true },
	{ NULL, false, NULL, false },
};

static void
check_error(const char *text, const char *want)
{
	ck_assert_int_eq(parse(text), 0);
	ck_assert_int_eq(settings_check(&s, known, &err), -1);
	ck_assert_str_eq(err.text, want);
}

START_TEST(what_a_program_does_not_know_is_an_error)
{
	ck_assert_int_eq(parse("[app]\ndir = x\n[remote \"a\"]\nurl = x\n"
			       "url = y\n[remote \"b\"]\nurl = z\n"),
		0);
	ck_assert_int_eq(settings_check(&s, known, &err), 0);
	check_error("[apps]\ndir = x\n",
		"deploy.conf:1: no such section: [apps]");
	/* One without a key too. */
	check_error("[app]\ndir = x\n[remot]\n",
		"deploy.conf:3: no such section: [remot]");
	check_error("[app]\ndri = x\n",
		"deploy.conf:2: no such key in [app]: dri");
	check_error("[app \"x\"]\ndir = x\n",
		"deploy.conf:1: no such section: [app \"x\"]");
	check_error("[remote]\nurl = x\n",
		"deploy.conf:1: no such section: [remote]");
	check_error("[app]\ndir = x\n\ndir = y\n",
		"deploy.conf:4: dir stands twice");
}
END_TEST

static const struct setting *
one(const char *text)
{
	static char line[128];

	snprintf(line, sizeof(line), "[x]\nk = %s\n", text);
	ck_assert_int_eq(parse(line), 0);
	return &s.v[0];
}

START_TEST(booleans_are_yes_or_no)
{
	bool b = false;

	ck_assert_int_eq(settings_bool(&s, one("yes"), &b, &err), 0);
	ck_assert(b);
	ck_assert_int_eq(settings_bool(&s, one("false"), &b, &err), 0);
	ck_assert(!b);
	ck_assert_int_eq(settings_bool(&s, one("true"), &b, &err), 0);
	ck_assert(b);
	ck_assert_int_eq(settings_bool(&s, one("no"), &b, &err), 0);
	ck_assert(!b);
	ck_assert_int_eq(settings_bool(&s, one("1"), &b, &err), -1);
	ck_assert_str_eq(err.text, "deploy.conf:2: k is yes or no");
	ck_assert_int_eq(settings_bool(&s, one(""), &b, &err), -1);
}
END_TEST

static long
seconds(const char *text)
{
	long n = -1;

	return settings_seconds(&s, one(text), &n, &err) < 0 ? -1 : n;
}

START_TEST(durations_have_units)
{
	ck_assert_int_eq(seconds("90"), 90);
	ck_assert_int_eq(seconds("90s"), 90);
	ck_assert_int_eq(seconds("30m"), 1800);
	ck_assert_int_eq(seconds("2h"), 7200);
	ck_assert_int_eq(seconds("never"), 0);
	ck_assert_int_eq(seconds("0"), -1);
	ck_assert_int_eq(seconds("-5"), -1);
	ck_assert_int_eq(seconds("+5"), -1);
	ck_assert_int_eq(seconds("5 m"), -1);
	ck_assert_int_eq(seconds("5mm"), -1);
	ck_assert_int_eq(seconds("5d"), -1);
	ck_assert_int_eq(seconds("m"), -1);
	ck_assert_int_eq(seconds(""), -1);
	ck_assert_int_eq(seconds("99999999999999999999"), -1);
	ck_assert_int_eq(seconds("99999999999"), -1);
}
END_TEST

static long long
size(const char *text)
{
	long long n = -1;

	return settings_size(&s, one(text), &n, &err) < 0 ? -1 : n;
}

START_TEST(sizes_have_units_and_do_not_overflow)
{
	ck_assert_int_eq(size("0"), 0);
	ck_assert_int_eq(size("500"), 500);
	ck_assert_int_eq(size("64K"), 65536);
	ck_assert_int_eq(size("20M"), 20 << 20);
	ck_assert_int_eq(size("4G"), 4LL << 30);
	ck_assert_int_eq(size("1T"), 1LL << 40);
	ck_assert_int_eq(size("8388607T"), 8388607LL << 40);
	ck_assert_int_eq(size("8388608T"), -1);
	ck_assert_int_eq(size("64k"), -1);
	ck_assert_int_eq(size("1.5G"), -1);
	ck_assert_int_eq(size("64KB"), -1);
	ck_assert_int_eq(size("0x10"), -1);
	ck_assert_int_eq(size("-1"), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tests = tcase_create("settings");

	tcase_add_test(tests, sections_names_and_keys_are_read);
	tcase_add_test(tests,
		a_value_is_the_rest_of_the_line_whatever_it_holds);
	tcase_add_test(tests, long_lines_are_whole);
	tcase_add_test(tests,
		a_repeated_key_adds_a_value_and_get_gives_the_last);
	tcase_add_test(tests, errors_name_the_file_and_the_line);
	tcase_add_test(tests, a_zero_byte_is_refused);
	tcase_add_test(tests, the_size_is_bounded_to_the_byte);
	tcase_add_test(tests, what_a_program_does_not_know_is_an_error);
	tcase_add_test(tests, booleans_are_yes_or_no);
	tcase_add_test(tests, durations_have_units);
	tcase_add_test(tests, sizes_have_units_and_do_not_overflow);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
