#include "server/plan_ahead.h"

#include "unit.h"

#define DIRS 12
#define FILES 60

static struct manifest m;
static int root = -1;

static void
add(char type, const char *path)
{
	struct entry e = { .path = path, .type = type, .mode = 0755 };

	manifest_add(&m, &e);
}

/* Directories of files whose sizes tell them apart. */
static void
setup(void)
{
	char path[64];
	int d, i;

	root = unit_dir();
	m = (struct manifest)MANIFEST_INIT;
	for (d = 0; d < DIRS; d++) {
		snprintf(path, sizeof(path), "d%02d", d);
		ck_assert_int_eq(mkdirat(root, path, 0755), 0);
		add(ENTRY_DIRECTORY, path);
		for (i = 0; i < FILES; i++) {
			int fd;

			snprintf(path, sizeof(path), "d%02d/f%03d", d, i);
			add(ENTRY_FILE, path);
			fd = openat(root, path, O_WRONLY | O_CREAT, 0644);
			ck_assert_int_ge(fd, 0);
			ck_assert_int_eq(ftruncate(fd, i), 0);
			io_close(&fd);
		}
	}
}

static void
teardown(void)
{
	manifest_release(&m);
	io_close(&root);
}

/* What is said of that place is what stands there, or nothing where it must. */
static void
check(struct plan_ahead *a, size_t place)
{
	const struct stat *seen = plan_ahead_get(a, place);
	struct stat st;

	if (fstatat(root, m.v[place].path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		ck_assert_ptr_null(seen);
		return;
	}
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->st_ino, st.st_ino);
	ck_assert_int_eq(seen->st_size, st.st_size);
	ck_assert_int_eq(seen->st_mode, st.st_mode);
	ck_assert_int_eq(seen->st_mtim.tv_nsec, st.st_mtim.tv_nsec);
}

START_TEST(every_place_is_seen_as_it_is)
{
	struct plan_ahead *a;
	size_t i;

	ck_assert_int_eq(unlinkat(root, "d03/f007", 0), 0);
	a = plan_ahead_new(root, &m);
	if (!a) /* a single core */
		return;
	for (i = 0; i < m.n; i++)
		check(a, i);
	plan_ahead_free(a);
}
END_TEST

START_TEST(places_may_be_passed_over)
{
	static const size_t steps[] = { 3, 127, 40, 200, 1 };
	struct plan_ahead *a = plan_ahead_new(root, &m);
	size_t i, n = 0;

	if (!a)
		return;
	for (i = 0; i < m.n; i += steps[n++ % 5])
		check(a, i);
	plan_ahead_free(a);
}
END_TEST

START_TEST(nothing_is_seen_through_a_link)
{
	struct plan_ahead *a;
	size_t i;

	ck_assert_int_eq(renameat(root, "d05", root, "elsewhere"), 0);
	ck_assert_int_eq(symlinkat("elsewhere", root, "d05"), 0);
	a = plan_ahead_new(root, &m);
	if (!a)
		return;
	for (i = 0; i < m.n; i++) {
		const struct stat *seen = plan_ahead_get(a, i);

		if (!strcmp(m.v[i].path, "d05"))
			ck_assert(seen && S_ISLNK(seen->st_mode));
		else if (!strncmp(m.v[i].path, "d05/", 4))
			ck_assert_ptr_null(seen);
		else
			ck_assert_ptr_nonnull(seen);
	}
	plan_ahead_free(a);
}
END_TEST

START_TEST(who_stops_early_waits_for_nobody)
{
	struct plan_ahead *a = plan_ahead_new(root, &m);

	if (a)
		check(a, 0);
	plan_ahead_free(a);
	plan_ahead_free(plan_ahead_new(root, &m));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plan_ahead");
	TCase *tc = tcase_create("stat data ahead of the walk");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_place_is_seen_as_it_is);
	tcase_add_test(tc, places_may_be_passed_over);
	tcase_add_test(tc, nothing_is_seen_through_a_link);
	tcase_add_test(tc, who_stops_early_waits_for_nobody);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
