#include "base/path.h"

#include "unit.h"

static const char *
refused(const char *path)
{
	return path_refuse(path, strlen(path));
}

START_TEST(ordinary_paths_are_taken)
{
	ck_assert_ptr_null(refused("a"));
	ck_assert_ptr_null(refused("a/b c/'\"$(x)`/\\"));
	ck_assert_ptr_null(refused("..."));
	ck_assert_ptr_null(refused(".hidden/..data/x.."));
	ck_assert_ptr_null(refused("-rf"));
	ck_assert_ptr_null(refused("\xff\xfe/\xe6\x97\xa5"));
}
END_TEST

START_TEST(paths_that_lead_elsewhere_are_refused)
{
	ck_assert_ptr_nonnull(refused(""));
	ck_assert_ptr_nonnull(refused("/"));
	ck_assert_ptr_nonnull(refused("/etc/passwd"));
	ck_assert_ptr_nonnull(refused("a/"));
	ck_assert_ptr_nonnull(refused("a//b"));
	ck_assert_ptr_nonnull(refused("."));
	ck_assert_ptr_nonnull(refused(".."));
	ck_assert_ptr_nonnull(refused("../a"));
	ck_assert_ptr_nonnull(refused("a/.."));
	ck_assert_ptr_nonnull(refused("a/../b"));
	ck_assert_ptr_nonnull(refused("a/./b"));
}
END_TEST

START_TEST(control_characters_are_refused)
{
	ck_assert_ptr_nonnull(refused("a\nb"));
	ck_assert_ptr_nonnull(refused("a\tb"));
	ck_assert_ptr_nonnull(refused("\177"));
	ck_assert_ptr_nonnull(path_refuse("a\0b", 3));
}
END_TEST

START_TEST(lengths_are_bounded_to_the_byte)
{
	char path[PATH_MOST + 2];
	size_t i;

	memset(path, 'x', sizeof(path));
	ck_assert_ptr_null(path_refuse(path, COMPONENT_MOST));
	ck_assert_ptr_nonnull(path_refuse(path, COMPONENT_MOST + 1));
	for (i = 100; i < sizeof(path); i += 100)
		path[i] = '/';
	ck_assert_ptr_null(path_refuse(path, PATH_MOST));
	ck_assert_ptr_nonnull(path_refuse(path, PATH_MOST + 1));
}
END_TEST

START_TEST(a_slash_sorts_before_every_byte)
{
	static const char *const sorted[] = { "a", "a/b", "a/b/c", "a/c",
		"a\001", "a ", "a-b", "a.b", "ab", "b", "\xff" };
	size_t n = sizeof(sorted) / sizeof(*sorted), i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++) {
			int c = path_compare(sorted[i], sorted[k]);

			ck_assert_int_eq((c > 0) - (c < 0), (i > k) - (i < k));
		}
}
END_TEST

START_TEST(below_means_whole_components)
{
	ck_assert(path_below("a/b", "a/b"));
	ck_assert(path_below("a/b/c", "a/b"));
	ck_assert(!path_below("a/bc", "a/b"));
	ck_assert(!path_below("a", "a/b"));
}
END_TEST

START_TEST(the_leaf_is_the_last_component)
{
	ck_assert_str_eq(path_leaf("a/b/c"), "c");
	ck_assert_str_eq(path_leaf("c"), "c");
}
END_TEST

START_TEST(app_names_are_as_the_manual_says)
{
	char name[APP_MOST + 2];

	ck_assert(path_is_app("blog"));
	ck_assert(path_is_app("0a._-b"));
	ck_assert(!path_is_app(""));
	ck_assert(!path_is_app("."));
	ck_assert(!path_is_app(".blog"));
	ck_assert(!path_is_app("-blog"));
	ck_assert(!path_is_app("_blog"));
	ck_assert(!path_is_app("a..b"));
	ck_assert(!path_is_app("a/b"));
	ck_assert(!path_is_app("Blog"));
	ck_assert(!path_is_app("bl\xc3\xb6g"));
	memset(name, 'a', sizeof(name));
	name[APP_MOST + 1] = '\0';
	ck_assert(!path_is_app(name));
	name[APP_MOST] = '\0';
	ck_assert(path_is_app(name));
}
END_TEST

START_TEST(release_ids_are_a_time_and_a_short_id)
{
	static const char id[] = "20261123T061530Z-1a2b3c4d";
	char other[RELEASE_ID_LEN + 2];
	size_t i;

	ck_assert_uint_eq(strlen(id), RELEASE_ID_LEN);
	ck_assert(path_is_release(id));
	for (i = 0; i < RELEASE_ID_LEN; i++) {
		strcpy(other, id);
		other[i] = '/';
		ck_assert(!path_is_release(other));
		other[i] = ':';
		ck_assert(!path_is_release(other));
		other[i] = '\0';
		ck_assert(!path_is_release(other));
	}
	strcpy(other, id);
	strcat(other, "0");
	ck_assert(!path_is_release(other));
	ck_assert(!path_is_release("20261123T061530Z-1A2B3C4D"));
	ck_assert(!path_is_release("20261123T061530Z-1a2b3c4g"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("path");
	TCase *tests = tcase_create("path");

	tcase_add_test(tests, ordinary_paths_are_taken);
	tcase_add_test(tests, paths_that_lead_elsewhere_are_refused);
	tcase_add_test(tests, control_characters_are_refused);
	tcase_add_test(tests, lengths_are_bounded_to_the_byte);
	tcase_add_test(tests, a_slash_sorts_before_every_byte);
	tcase_add_test(tests, below_means_whole_components);
	tcase_add_test(tests, the_leaf_is_the_last_component);
	tcase_add_test(tests, app_names_are_as_the_manual_says);
	tcase_add_test(tests, release_ids_are_a_time_and_a_short_id);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
