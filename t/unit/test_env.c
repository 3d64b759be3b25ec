#include "base/env.h"
#include "unit.h"

static struct strv env;
static struct error err;
static struct buf out;

static void
read_text(const char *text)
{
	strv_clear(&env);
	err = (struct error)ERROR_INIT;
	ck_assert_msg(env_parse("env", text, strlen(text), &env, &err) == 0,
		"%s", err.text);
}

/* The text is one variable with this value. */
static void
expect(const char *text, const char *value)
{
	read_text(text);
	ck_assert_uint_eq(env.n, 1);
	ck_assert_str_eq(env.v[0] + env_name_length(env.v[0]) + 1, value);
}

static void
refuse(const char *text, const char *why)
{
	err = (struct error)ERROR_INIT;
	ck_assert_int_eq(env_parse("env", text, strlen(text), &env, &err), -1);
	ck_assert_str_eq(err.text, why);
}

START_TEST(values_are_as_systemd_reads_them)
{
	expect("A=1", "1");
	expect("A=", "");
	expect("  A \t= \t x  y \t\n", "x  y");
	expect("A=x=y # z\n", "x=y # z");
	expect("A=a\\\nb\n", "ab");
	expect("A=a\\nb\\\\\n", "anb\\");
	expect("A=a\\ \n", "a ");
	expect("A=x\r\n", "x");
	expect("A='a\n\\b\"' \n", "a\n\\b\"");
	expect("A=\"a\nb\\\"\\\\\\`\\$\\n\\\nc\"\n", "a\nb\"\\`$\\nc");
	expect("A=\" a \"\n", " a ");
	expect("A=\"a\"'b'  c d\n", "abc d");
	/* Quotes within a value are a part of it. */
	expect("A=it's \"so\"\n", "it's \"so\"");
	expect("A=x\\\"y\"\n", "x\"y\"");
	expect("# one\\\ntwo\n;x\n\nA=1\n", "1");
	expect("A=1\nA=2\n", "2");
}
END_TEST

START_TEST(what_is_no_variable_is_an_error_with_its_line)
{
	refuse("A=1\n\nB\n", "env:3: expected NAME=value");
	refuse("A='\n'\n1B=x\n", "env:3: expected NAME=value");
	refuse("export A=1\n", "env:1: expected NAME=value");
	refuse("A=1\nB=\"x\n", "env:2: a quote is not closed");
	refuse("A=1\nB=\"x\\", "env:2: a quote is not closed");
	ck_assert_int_eq(env_parse("env", "A=\0", 3, &env, &err), -1);
	ck_assert_str_eq(err.text, "env:1: a NUL byte");
}
END_TEST

START_TEST(what_is_written_is_read_as_it_was)
{
	static const char *const values[] = { "", "x", " x ", "a\nb\n", "\n",
		"'", "\"", "\\", "$HOME", "`id`", "#x", ";", "a\r\nb", "\t",
		"x \\", "\\\"$`'", "h\u00e9\U0001f600", "a=b", "\x01\x7f",
		"x#y #z", "~", "!" };
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char pair[64];

		snprintf(pair, sizeof(pair), "A=%s", values[i]);
		buf_clear(&out);
		env_write(pair, &out);
		expect(buf_str(&out), values[i]);
		buf_addstr(&out, "B=1\n");
		read_text(buf_str(&out));
		ck_assert_uint_eq(env.n, 2);
	}
}
END_TEST

static void
edit(const char *text, const char *changes, const char *want)
{
	struct strv list = STRV_INIT;

	strv_split(&list, changes, " ");
	buf_clear(&out);
	err = (struct error)ERROR_INIT;
	ck_assert_msg(env_edit("env", text, strlen(text), &list, &out, &err) ==
			0,
		"%s", err.text);
	ck_assert_str_eq(buf_str(&out), want);
	strv_release(&list);
}

START_TEST(a_change_leaves_the_rest_alone)
{
	edit("", "A=1", "A=1\n");
	edit("# mine\n\n B = 'x' \nwhat is this\nA=1\n", "A=2 C=3",
		"# mine\n\n B = 'x' \nwhat is this\nA=2\nC=3\n");
	edit("A=1\n# c\nB=2", "A", "# c\nB=2");
	edit("A='1'\nB=2\n", "A=1", "A='1'\nB=2\n");
	edit("A=1\nB=2\nA=3\n", "A=3", "A=3\nB=2\n");
	edit("A=1\nB=2\nA=3\n", "A", "B=2\n");
	edit("A=1\n", "B", "A=1\n");
	edit("A='\nB=1\n'\nB=2\n", "B=3", "A='\nB=1\n'\nB=3\n");
}
END_TEST

START_TEST(a_last_line_takes_nothing_in)
{
	edit("A=1", "B=2", "A=1\nB=2\n");
	edit("A=1\\", "B=2", "A=1\\\n\nB=2\n");
	edit("A=1\\\n", "B=2", "A=1\\\n\nB=2\n");
	edit("# c\\\n", "B=2", "# c\\\n\nB=2\n");
	edit("what", "B=2", "what\nB=2\n");
}
END_TEST

START_TEST(an_open_quote_is_not_written_into)
{
	struct strv list = STRV_INIT;

	strv_add(&list, "B=2");
	buf_clear(&out);
	ck_assert_int_eq(env_edit("env", "A='x\n", 5, &list, &out, &err), -1);
	ck_assert_str_eq(err.text, "env:1: a quote is not closed");
	strv_release(&list);
}
END_TEST

START_TEST(names_and_values_are_checked)
{
	ck_assert_int_eq(env_check("_a1=x", &err), 0);
	ck_assert_int_eq(env_check("A=h\u00e9\n", &err), 0);
	ck_assert_int_eq(env_check("PATH=/bin", &err), 0);
	ck_assert_int_eq(env_check("A", &err), -1);
	ck_assert_int_eq(env_check("=x", &err), -1);
	ck_assert_int_eq(env_check("1A=x", &err), -1);
	ck_assert_int_eq(env_check("A B=secret", &err), -1);
	ck_assert_ptr_null(strstr(err.text, "secret"));
	ck_assert_int_eq(env_check("DEPLOY_APP=x", &err), -1);
	ck_assert_int_eq(env_check("A=sec\xffret", &err), -1);
	ck_assert_ptr_null(strstr(err.text, "sec"));
	ck_assert_int_eq(env_check("A=\xed\xa0\x80", &err), -1);
	ck_assert_int_eq(env_check("A=\xef\xbf\xbf", &err), -1);
}
END_TEST

START_TEST(export_is_for_imports)
{
	struct env_item item = { 0 };
	const char text[] = "export  A=1\nexportB=2 # x\n";
	struct env_reader r = { text, text + strlen(text), 1, true };

	ck_assert(env_next(&r, &item));
	ck_assert_int_eq(item.kind, ENV_PAIR);
	ck_assert_str_eq(item.pair.data, "A=1");
	ck_assert(!item.hash);
	ck_assert(env_next(&r, &item));
	ck_assert_str_eq(item.pair.data, "exportB=2 # x");
	ck_assert(item.hash);
	ck_assert(!env_next(&r, &item));
	buf_release(&item.pair);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("env");
	TCase *t = tcase_create("env");

	tcase_add_test(t, values_are_as_systemd_reads_them);
	tcase_add_test(t, what_is_no_variable_is_an_error_with_its_line);
	tcase_add_test(t, what_is_written_is_read_as_it_was);
	tcase_add_test(t, a_change_leaves_the_rest_alone);
	tcase_add_test(t, a_last_line_takes_nothing_in);
	tcase_add_test(t, an_open_quote_is_not_written_into);
	tcase_add_test(t, names_and_values_are_checked);
	tcase_add_test(t, export_is_for_imports);
	suite_add_tcase(s, t);
	return unit_run(s);
}
