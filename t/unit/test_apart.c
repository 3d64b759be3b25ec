#include "server/store.h"
#include "unit_store.h"

static struct store store;

static void
make_store(void)
{
	unit_store(&store);
	ck_assert_int_eq(chdir(".deployd"), 0);
}

static ino_t
inode(const char *path)
{
	struct stat st;

	ck_assert_msg(stat(path, &st) == 0, "%s", path);
	return st.st_ino;
}

/* It is there, ours alone, and nothing was left behind. */
static void
check(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(rmdir("apart"), 0);
}

START_TEST(a_missing_directory_is_made)
{
	make_store();
	ck_assert_int_eq(store_make_apart(&store, "next"), 0);
	check("next");
	store_release(&store);
}
END_TEST

START_TEST(an_empty_one_is_made_anew)
{
	ino_t old;

	make_store();
	old = inode("tmp");
	ck_assert_int_eq(store_make_apart(&store, "tmp"), 0);
	ck_assert(inode("tmp") != old);
	check("tmp");
	store_release(&store);
}
END_TEST

START_TEST(what_lies_in_one_stays)
{
	ino_t old;

	make_store();
	old = inode("tmp");
	unit_write("tmp/upload", "half of it");
	ck_assert_int_eq(store_make_apart(&store, "tmp"), 0);
	ck_assert(inode("tmp") == old);
	inode("tmp/upload");
	check("tmp");
	store_release(&store);
}
END_TEST

START_TEST(where_that_cannot_be_it_is_made_all_the_same)
{
	make_store();
	unit_write("apart", "a file");
	ck_assert_int_eq(store_make_apart(&store, "next"), 0);
	inode("next");
	store_release(&store);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("apart");
	TCase *tc = tcase_create("apart");

	umask(022);
	tcase_add_test(tc, a_missing_directory_is_made);
	tcase_add_test(tc, an_empty_one_is_made_anew);
	tcase_add_test(tc, what_lies_in_one_stays);
	tcase_add_test(tc, where_that_cannot_be_it_is_made_all_the_same);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
