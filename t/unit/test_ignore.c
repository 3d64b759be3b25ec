#include "tree/ignore.h"

#include "unit.h"

static struct ignore_list *
parse(const char *text)
{
	return ignore_parse(".gitignore", "", text, strlen(text));
}

/* What a file with this text says of a path; "/" behind it: a directory. */
static enum ignore_verdict
verdict(const char *text, const char *path)
{
	struct ignore_list *l = parse(text);
	char *copy = strdup(path);
	size_t len = strlen(path);
	bool directory = len && path[len - 1] == '/';
	enum ignore_verdict v;

	if (directory)
		copy[len - 1] = '\0';
	v = ignore_match(l, copy, directory, NULL);
	free(copy);
	ignore_free(l);
	return v;
}

static bool
out(const char *text, const char *path)
{
	return verdict(text, path) == IGNORE_OUT;
}

START_TEST(stars_end_at_a_slash)
{
	ck_assert(ignore_wildmatch("*", "abc"));
	ck_assert(ignore_wildmatch("a*c", "abbc"));
	ck_assert(ignore_wildmatch("a*", "a"));
	ck_assert(!ignore_wildmatch("*", "a/b"));
	ck_assert(!ignore_wildmatch("a*c", "a/c"));
	ck_assert(ignore_wildmatch("*/b", "a/b"));
	ck_assert(!ignore_wildmatch("*/b", "x/a/b"));
	ck_assert(!ignore_wildmatch("a?b", "a/b"));
	ck_assert(ignore_wildmatch("*a*b/*c", "xaab/abc"));
}
END_TEST

START_TEST(two_stars_between_slashes_cross_directories)
{
	ck_assert(ignore_wildmatch("**/b", "b"));
	ck_assert(ignore_wildmatch("**/b", "x/y/b"));
	ck_assert(!ignore_wildmatch("**/b", "xb"));
	ck_assert(ignore_wildmatch("a/**", "a/b/c"));
	ck_assert(!ignore_wildmatch("a/**", "a"));
	ck_assert(ignore_wildmatch("a/**/b", "a/b"));
	ck_assert(ignore_wildmatch("a/**/b", "a/x/y/b"));
	ck_assert(!ignore_wildmatch("a/**/b", "a/xb"));
	ck_assert(ignore_wildmatch("**/a/**/b", "x/a/c/a/y/b"));
	ck_assert(ignore_wildmatch("**/*.o", "x/y.o"));
	ck_assert(ignore_wildmatch("**\\/b", "x/y/b"));
	ck_assert(!ignore_wildmatch("**\\/b", "b"));
	ck_assert(ignore_wildmatch("**\\/*b/*", "x/y/ab/c"));
}
END_TEST

START_TEST(two_stars_elsewhere_are_one)
{
	ck_assert(ignore_wildmatch("a**", "abc"));
	ck_assert(!ignore_wildmatch("a**", "ab/c"));
	ck_assert(!ignore_wildmatch("foo**/bar", "foobar"));
	ck_assert(!ignore_wildmatch("foo**/bar", "foo/x/bar"));
	ck_assert(ignore_wildmatch("foo**/bar", "foox/bar"));
	ck_assert(!ignore_wildmatch("**a/b", "x/a/b"));
}
END_TEST

START_TEST(brackets_hold_bytes_ranges_and_classes)
{
	ck_assert(ignore_wildmatch("[abc]", "b"));
	ck_assert(ignore_wildmatch("[a-c]x", "bx"));
	ck_assert(!ignore_wildmatch("[!a-c]", "b"));
	ck_assert(ignore_wildmatch("[^a-c]", "d"));
	ck_assert(ignore_wildmatch("[]]", "]"));
	ck_assert(ignore_wildmatch("[!]]", "a"));
	ck_assert(ignore_wildmatch("[a-]", "-"));
	ck_assert(ignore_wildmatch("[\\]]", "]"));
	ck_assert(ignore_wildmatch("[[:alpha:]_]", "_"));
	ck_assert(ignore_wildmatch("[[:alpha:]]", "x"));
	ck_assert(!ignore_wildmatch("[[:alpha:]]", "1"));
	ck_assert(ignore_wildmatch("[[:digit:][:upper:]]", "Q"));
	ck_assert(!ignore_wildmatch("[!a]", "/"));
	ck_assert(!ignore_wildmatch("[/]", "/"));
	ck_assert(ignore_wildmatch("[\xc3\xa9]", "\xa9"));
}
END_TEST

START_TEST(broken_patterns_match_nothing)
{
	ck_assert(!ignore_wildmatch("[a", "a"));
	ck_assert(!ignore_wildmatch("[", "["));
	ck_assert(!ignore_wildmatch("[!", "a"));
	ck_assert(!ignore_wildmatch("[[:nosuch:]]", "a"));
	ck_assert(!ignore_wildmatch("[a-", "a"));
	ck_assert(!ignore_wildmatch("[\\", "\\"));
	ck_assert(!ignore_wildmatch("a\\", "a"));
	ck_assert(!ignore_wildmatch("a\\", "a\\"));
}
END_TEST

START_TEST(many_stars_do_not_take_forever)
{
	char text[4001], pattern[801];
	size_t i;

	memset(text, 'a', 4000);
	text[4000] = '\0';
	for (i = 0; i < 800; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[800] = '\0';
	ck_assert(ignore_wildmatch(pattern, text));
	memcpy(pattern + 798, "*b", 2);
	ck_assert(!ignore_wildmatch(pattern, text));
	for (i = 1; i < 4000; i += 2)
		text[i] = '/';
	for (i = 0; i + 5 <= 800; i += 5)
		memcpy(pattern + i, "**/a/", 5);
	memcpy(pattern + 795, "**/b", 5);
	ck_assert(!ignore_wildmatch(pattern, text));
}
END_TEST

START_TEST(a_pattern_without_a_slash_matches_at_any_depth)
{
	ck_assert(out("*.o", "a.o"));
	ck_assert(out("*.o", "x/y/a.o"));
	ck_assert(out("build", "x/build"));
	ck_assert(!out("build", "builds"));
	ck_assert(!out("build", "build/x"));
}
END_TEST

START_TEST(a_slash_anchors)
{
	ck_assert(out("/a", "a"));
	ck_assert(!out("/a", "x/a"));
	ck_assert(out("x/a", "x/a"));
	ck_assert(!out("x/a", "y/x/a"));
	ck_assert(!out("//a", "a"));
}
END_TEST

START_TEST(a_slash_at_the_end_means_directories)
{
	ck_assert(out("a/", "a/"));
	ck_assert(!out("a/", "a"));
	ck_assert(out("a/", "x/a/"));
	ck_assert(out("/x/a/", "x/a/"));
	ck_assert(!out("/", "a/"));
}
END_TEST

START_TEST(the_last_pattern_that_matches_decides)
{
	ck_assert_int_eq(verdict("*.o\n!a.o", "a.o"), IGNORE_IN);
	ck_assert_int_eq(verdict("*.o\n!a.o", "b.o"), IGNORE_OUT);
	ck_assert_int_eq(verdict("!a.o\n*.o", "a.o"), IGNORE_OUT);
	ck_assert_int_eq(verdict("*.o\n!a.o", "a.c"), IGNORE_NONE);
}
END_TEST

START_TEST(lines_are_read_as_git_reads_them)
{
	ck_assert(!out("#a", "#a"));
	ck_assert(out("\\#a", "#a"));
	ck_assert(out("\\!a", "!a"));
	ck_assert(out("a  ", "a"));
	ck_assert(out("a\\ ", "a "));
	ck_assert(out("a\\\\ ", "a\\"));
	ck_assert(out("a\t", "a\t"));
	ck_assert(out(" a", " a"));
	ck_assert(out("a\r\nb\r\n", "a"));
	ck_assert(out("a\r\nb\r", "b"));
	ck_assert(out("a\r\r\n", "a\r"));
	ck_assert(out("\xef\xbb\xbf"
		      "a\n",
		"a"));
	ck_assert(!out("b\n\xef\xbb\xbf"
		       "a\n",
		"a"));
	ck_assert(!out("\n\r\n   \n!\n/\n", "x"));
}
END_TEST

START_TEST(patterns_are_relative_to_their_file)
{
	struct ignore_list *l = ignore_parse("web/.gitignore", "web",
		"/a\nx/y\n*.o", 11);

	ck_assert_int_eq(ignore_match(l, "web/a", false, NULL), IGNORE_OUT);
	ck_assert_int_eq(ignore_match(l, "a", false, NULL), IGNORE_NONE);
	ck_assert_int_eq(ignore_match(l, "web/x/y", false, NULL), IGNORE_OUT);
	ck_assert_int_eq(ignore_match(l, "web/z/b.o", false, NULL), IGNORE_OUT);
	ck_assert_int_eq(ignore_match(l, "webs/a", false, NULL), IGNORE_NONE);
	ck_assert_int_eq(ignore_match(l, "web", true, NULL), IGNORE_NONE);
	ignore_free(l);
}
END_TEST

START_TEST(the_rule_that_decided_is_named)
{
	struct ignore_list *l = parse("# c\n\n*.o  \r\n!a.o\n");
	const char *rule = NULL;

	ignore_match(l, "x/b.o", false, &rule);
	ck_assert_str_eq(rule, ".gitignore:3: *.o");
	ignore_match(l, "a.o", false, &rule);
	ck_assert_str_eq(rule, ".gitignore:4: !a.o");
	ignore_free(l);
}
END_TEST

START_TEST(what_a_pattern_may_reach_is_known)
{
	struct ignore_list *l = parse("/dist/app/*.js\n/web/**/out\n!/n/x\n");

	ck_assert(ignore_reaches(l, "dist"));
	ck_assert(ignore_reaches(l, "dist/app"));
	ck_assert(!ignore_reaches(l, "dist/app/x"));
	ck_assert(!ignore_reaches(l, "dist/lib"));
	ck_assert(ignore_reaches(l, "web/a/b/c"));
	ck_assert(!ignore_reaches(l, "node_modules"));
	ck_assert(!ignore_reaches(l, "n"));
	ignore_free(l);
	l = parse("*.js\n");
	ck_assert(ignore_reaches(l, "any/where"));
	ignore_free(l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ignore");
	TCase *tests = tcase_create("ignore");

	tcase_add_test(tests, stars_end_at_a_slash);
	tcase_add_test(tests, two_stars_between_slashes_cross_directories);
	tcase_add_test(tests, two_stars_elsewhere_are_one);
	tcase_add_test(tests, brackets_hold_bytes_ranges_and_classes);
	tcase_add_test(tests, broken_patterns_match_nothing);
	tcase_add_test(tests, many_stars_do_not_take_forever);
	tcase_add_test(tests, a_pattern_without_a_slash_matches_at_any_depth);
	tcase_add_test(tests, a_slash_anchors);
	tcase_add_test(tests, a_slash_at_the_end_means_directories);
	tcase_add_test(tests, the_last_pattern_that_matches_decides);
	tcase_add_test(tests, lines_are_read_as_git_reads_them);
	tcase_add_test(tests, patterns_are_relative_to_their_file);
	tcase_add_test(tests, the_rule_that_decided_is_named);
	tcase_add_test(tests, what_a_pattern_may_reach_is_known);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
