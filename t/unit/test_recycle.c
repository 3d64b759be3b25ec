#include "server/recycle.h"

#include "base/io.h"
#include "server/plan.h"
#include "tree/index.h"
#include "unit_store.h"

#define ID "20260101T000000Z-00000000"
#define OLD ".deployd/trash/" ID "/"
#define NEXT ".deployd/next/"

static struct store store;
static const char *const paths[] = { "a", "d", "d/e", "d/e/f", "d/g", "h",
	"l" };
#define N (sizeof(paths) / sizeof(paths[0]))

static struct stat
stat_of(const char *below, const char *path)
{
	char full[200];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", below, path);
	ck_assert_msg(lstat(full, &st) == 0, "%s is missing", full);
	return st;
}

static bool
is_there(const char *below, const char *path)
{
	char full[200];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", below, path);
	return lstat(full, &st) == 0;
}

static void
sizeless(struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		st->st_size = 0;
}

/* The index as a staging writes it. */
static void
make_index(void)
{
	struct error err = ERROR_INIT;
	struct stat_index *x;
	size_t i;

	index_let_pass(io_wall_ns());
	x = index_new(store.own, "records/" ID ".index");
	for (i = 0; i < N; i++) {
		struct stat st = stat_of(OLD, paths[i]);
		uint8_t digest[DIGEST_SIZE] = { 0 };

		if (S_ISREG(st.st_mode))
			digest_bytes(paths[i], 1, digest);
		sizeless(&st);
		index_put(x, paths[i], &st, digest);
	}
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
}

static void
make_dropped(void)
{
	unit_store(&store);
	ck_assert_int_eq(mkdir(OLD, 0755), 0);
	unit_write(OLD "a", "one");
	ck_assert_int_eq(mkdir(OLD "d", 0755), 0);
	ck_assert_int_eq(mkdir(OLD "d/e", 0755), 0);
	unit_write(OLD "d/e/f", "two");
	unit_write(OLD "d/g", "three");
	unit_write(OLD "h", "four");
	ck_assert_int_eq(symlink("a", OLD "l"), 0);
	make_index();
}

/* The first byte of what next.index has, -1 if it does not vouch for it. */
static int
vouched(const char *path)
{
	struct stat_index *x = index_load(store.own, "next.index");
	struct stat st = stat_of(NEXT, path);
	uint8_t digest[DIGEST_SIZE];
	int first = -1;

	sizeless(&st);
	if (index_get(x, path, &st, digest))
		first = digest[0];
	index_free(x);
	return first;
}

START_TEST(files_are_moved_into_directories_that_are_new)
{
	struct stat was[N], now;
	uint8_t digest[DIGEST_SIZE];
	size_t i;

	make_dropped();
	unit_write(OLD "d/built", "by a hook");
	for (i = 0; i < N; i++)
		was[i] = stat_of(OLD, paths[i]);
	recycle_dropped(&store, NULL);
	for (i = 0; i < N; i++) {
		now = stat_of(NEXT, paths[i]);
		if (S_ISDIR(was[i].st_mode)) {
			ck_assert_uint_ne(now.st_ino, was[i].st_ino);
			ck_assert_int_eq(vouched(paths[i]), PLAN_UNSYNCED);
			continue;
		}
		ck_assert_uint_eq(now.st_ino, was[i].st_ino);
		digest_bytes(paths[i], 1, digest);
		ck_assert_int_eq(vouched(paths[i]),
			S_ISREG(now.st_mode) ? digest[0] : PLAN_UNSYNCED);
	}
	ck_assert(!is_there(NEXT, "d/built"));
	ck_assert(is_there(OLD, "d/built"));
	ck_assert(!is_there(OLD, "d/e"));
	ck_assert(!is_there(".deployd/records/", ID ".index"));
}
END_TEST

START_TEST(what_changed_or_has_another_name_or_a_writer_is_left)
{
	int fd;

	make_dropped();
	ck_assert_int_eq(chmod(OLD "a", 0600), 0);
	ck_assert_int_eq(link(OLD "d/g", "elsewhere"), 0);
	ck_assert_int_eq(unlink(OLD "l"), 0);
	ck_assert_int_eq(symlink("b", OLD "l"), 0);
	fd = open(OLD "h", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	recycle_dropped(&store, NULL);
	ck_assert(!is_there(NEXT, "a"));
	ck_assert(!is_there(NEXT, "d/g"));
	ck_assert(!is_there(NEXT, "h"));
	ck_assert(!is_there(NEXT, "l"));
	ck_assert(is_there(NEXT, "d/e/f"));
	close(fd);
}
END_TEST

START_TEST(of_what_failed_files_that_are_not_vouched_for_are_moved_as_well)
{
	struct stat_index *x;
	bool known = false;
	size_t i;
	int fd;

	make_dropped();
	unit_write(OLD "d/built", "by a hook");
	ck_assert_int_eq(chmod(OLD "d/g", 0600), 0);
	fd = open(OLD "h", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	recycle_failed(&store, ID);
	ck_assert_int_ge(vouched("a"), 0);
	ck_assert(is_there(NEXT, "d/g"));
	ck_assert_int_eq(vouched("d/g"), -1);
	ck_assert(!is_there(NEXT, "d/built"));
	ck_assert(!is_there(NEXT, "h"));
	close(fd);
	/* Else nobody would find it in a directory that is vouched for. */
	x = index_load(store.own, "next.index");
	for (i = 0; i < index_count(x); i++)
		known |= !strcmp(index_path(x, i), "d/g");
	index_free(x);
	ck_assert(known);
}
END_TEST

START_TEST(without_an_index_nothing_is_moved)
{
	make_dropped();
	ck_assert_int_eq(unlink(".deployd/records/" ID ".index"), 0);
	recycle_dropped(&store, NULL);
	ck_assert(is_there(".deployd/", "next"));
	ck_assert(!is_there(NEXT, "a"));
	ck_assert(is_there(OLD, "a"));
}
END_TEST

static int
turn(void *arg, struct error *err)
{
	int *left = arg;

	return --*left >= 0 ? 0 : error_set(err, "next/ is wanted");
}

/* Whatever was moved until then is of use. */
START_TEST(one_that_is_stopped_leaves_what_it_moved)
{
	int left = _i;
	const struct busy busy = { turn, &left };
	size_t i, there = 0;

	make_dropped();
	recycle_dropped(&store, &busy);
	for (i = 0; i < N; i++) {
		if (!is_there(NEXT, paths[i]))
			continue;
		there++;
		if (!S_ISDIR(stat_of(NEXT, paths[i]).st_mode))
			ck_assert_int_ge(vouched(paths[i]), 0);
	}
	ck_assert_uint_ge(there, (size_t)_i);
	ck_assert(there < N);
	ck_assert(is_there(OLD, "l"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recycle");
	TCase *tc = tcase_create("recycle");

	umask(022);
	tcase_add_test(tc, files_are_moved_into_directories_that_are_new);
	tcase_add_test(tc,
		what_changed_or_has_another_name_or_a_writer_is_left);
	tcase_add_test(tc,
		of_what_failed_files_that_are_not_vouched_for_are_moved_as_well);
	tcase_add_test(tc, without_an_index_nothing_is_moved);
	tcase_add_loop_test(tc, one_that_is_stopped_leaves_what_it_moved, 0, 4);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
