#include "base/unit.h"

#include "unit.h"

START_TEST(names_of_units)
{
	char name[300];

	ck_assert(unit_is_name("shop"));
	ck_assert(unit_is_name("shop@1.service"));
	ck_assert(unit_is_name("a-b_c:d.socket"));
	ck_assert(!unit_is_name(""));
	ck_assert(!unit_is_name("-shop"));
	ck_assert(!unit_is_name(".shop"));
	ck_assert(!unit_is_name("shop."));
	ck_assert(!unit_is_name("a b"));
	ck_assert(!unit_is_name("a/b"));
	ck_assert(!unit_is_name("a\\x2d"));
	ck_assert(!unit_is_name("a*"));
	ck_assert(!unit_is_name("a\nb"));
	ck_assert(!unit_is_name("gr\xc3\xbc"));
	memset(name, 'a', sizeof(name));
	name[247] = '\0';
	ck_assert(unit_is_name(name));
	name[247] = 'a';
	name[248] = '\0';
	ck_assert(!unit_is_name(name));
}
END_TEST

static void
full(const char *name, const char *want)
{
	char *got = unit_full(name);

	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(a_suffix_is_added_where_there_is_none)
{
	full("shop", "shop.service");
	full("shop.service", "shop.service");
	full("shop.socket", "shop.socket");
	full("shop.v2", "shop.v2.service");
	full("shop@a.b", "shop@a.b.service");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("unit");
	TCase *t = tcase_create("unit");

	tcase_add_test(t, names_of_units);
	tcase_add_test(t, a_suffix_is_added_where_there_is_none);
	suite_add_tcase(s, t);
	return unit_run(s);
}
