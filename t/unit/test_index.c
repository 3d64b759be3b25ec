#include "tree/index.h"

#include <time.h>

#include "tree/chunk.h"
#include "unit.h"

static const uint8_t digest[DIGEST_SIZE] = { 1, 2, 3 };

/* Stat data of a file that last changed in 2001, at a whole nanosecond. */
static struct stat
old_stat(void)
{
	struct stat st = { .st_ino = 7, .st_size = 42, .st_mode = 0100644 };

	st.st_mtim.tv_sec = st.st_ctim.tv_sec = 1000000000;
	st.st_mtim.tv_nsec = 5;
	st.st_ctim.tv_nsec = 6;
	return st;
}

/* Saves an index with that one file and loads it. */
static struct stat_index *
saved(int dir, const struct stat *st)
{
	struct stat_index *x = index_new(dir, "index");
	struct error err = ERROR_INIT;

	index_put(x, "a/b", st, digest);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	return index_load(dir, "index");
}

static bool
knows(struct stat_index *x, const char *path, const struct stat *st)
{
	uint8_t got[DIGEST_SIZE];

	if (!index_get(x, path, st, got))
		return false;
	ck_assert_mem_eq(got, digest, DIGEST_SIZE);
	return true;
}

START_TEST(what_was_put_is_known_after_loading)
{
	struct stat st = old_stat();
	struct stat_index *x = saved(unit_dir(), &st);

	ck_assert(knows(x, "a/b", &st));
	ck_assert(!knows(x, "a", &st));
	ck_assert(!knows(x, "a/c", &st));
	index_free(x);
}
END_TEST

START_TEST(any_change_of_stat_data_is_a_change)
{
	struct stat st = old_stat(), other;
	struct stat_index *x = saved(unit_dir(), &st);

	other = st;
	other.st_ino++;
	ck_assert(!knows(x, "a/b", &other));
	other = st;
	other.st_size++;
	ck_assert(!knows(x, "a/b", &other));
	other = st;
	other.st_mtim.tv_nsec++;
	ck_assert(!knows(x, "a/b", &other));
	other = st;
	other.st_ctim.tv_nsec++;
	ck_assert(!knows(x, "a/b", &other));
	index_free(x);
}
END_TEST

START_TEST(only_what_was_put_is_saved)
{
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x = saved(dir, &st);
	struct error err = ERROR_INIT;

	index_put(x, "new", &st, digest);
	ck_assert(knows(x, "a/b", &st));
	ck_assert(!knows(x, "new", &st));
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	ck_assert(!knows(x, "a/b", &st));
	ck_assert(knows(x, "new", &st));
	index_free(x);
}
END_TEST

START_TEST(what_is_kept_is_saved_with_what_is_put_instead)
{
	static const char *const paths[] = { "a", "a/b", "a.b", "c", "d" };
	static const char *const asked[] = { "a/b", "d", "a", "c", "e" };
	uint8_t got[DIGEST_SIZE], new[DIGEST_SIZE] = { 9 };
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x = index_new(dir, "index");
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < 5; i++)
		index_put(x, paths[i], &st, digest);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	for (i = 0; i < 5; i++) /* in order or not */
		ck_assert(index_keep(x, asked[i], &st, got) == (i < 4));
	index_put(x, "b", &st, digest);
	index_put(x, "c", &st, new);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	ck_assert(knows(x, "a", &st) && knows(x, "a/b", &st));
	ck_assert(knows(x, "b", &st) && knows(x, "d", &st));
	ck_assert(!knows(x, "a.b", &st));
	ck_assert(index_get(x, "c", &st, got));
	ck_assert_mem_eq(got, new, DIGEST_SIZE);
	index_free(x);
}
END_TEST

/* What a file of 3 MB may be divided into. */
static struct chunks *
three_chunks(void)
{
	struct chunks *c = mem_zalloc(1, sizeof(*c) + 3 * sizeof(*c->v));

	for (c->n = 0; c->n < 3; c->n++) {
		c->v[c->n].offset = c->n * UINT64_C(1000000);
		memset(c->v[c->n].digest, (int)c->n + 1, DIGEST_SIZE);
	}
	return c;
}

static void
assert_chunks(struct stat_index *x, const struct chunks *expected)
{
	struct arena arena = ARENA_INIT;
	const struct chunks *c = index_chunks(x, &arena);

	if (expected) {
		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(c->n, expected->n);
		ck_assert_mem_eq(c->v, expected->v, c->n * sizeof(*c->v));
	} else {
		ck_assert_ptr_null(c);
	}
	arena_release(&arena);
}

START_TEST(chunks_of_large_files_are_kept)
{
	struct stat small = old_stat(), large = small;
	int dir = unit_dir(), round;
	struct stat_index *x = index_new(dir, "index");
	struct chunks *c = three_chunks();
	struct error err = ERROR_INIT;
	uint8_t got[DIGEST_SIZE];

	large.st_size = 3000000;
	index_put(x, "b", &large, digest);
	index_put_chunks(x, c);
	index_put(x, "c", &small, digest);
	index_put(x, "large", &large, digest);
	index_put_chunks(x, c);
	index_put(x, "small", &small, digest);
	index_put(x, "undivided", &large, digest);
	/* Once as put, once as kept and merged with what is put. */
	for (round = 0; round < 2; round++) {
		ck_assert_int_eq(index_save(x, &err), 0);
		index_free(x);
		x = index_load(dir, "index");
		ck_assert(knows(x, "small", &small) && knows(x, "c", &small));
		ck_assert(index_keep(x, "b", &large, got));
		assert_chunks(x, c);
		ck_assert(index_keep(x, "large", &large, got));
		assert_chunks(x, c);
		ck_assert(index_keep(x, "undivided", &large, got));
		assert_chunks(x, NULL);
		ck_assert(index_keep(x, "small", &small, got));
		index_put(x, "c", &small, digest);
	}
	index_free(x);
	free(c);
}
END_TEST

START_TEST(an_index_is_written_again_only_if_it_changed)
{
	uint8_t got[DIGEST_SIZE];
	struct stat st = old_stat(), before, after;
	int dir = unit_dir(), keep;
	struct stat_index *x = saved(dir, &st);
	struct error err = ERROR_INIT;

	index_free(x);
	for (keep = 1; keep >= 0; keep--) {
		ck_assert_int_eq(fstatat(dir, "index", &before, 0), 0);
		x = index_load(dir, "index");
		if (keep)
			ck_assert(index_keep(x, "a/b", &st, got));
		ck_assert_int_eq(index_save(x, &err), 0);
		index_free(x);
		ck_assert_int_eq(fstatat(dir, "index", &after, 0), 0);
		ck_assert((before.st_ino == after.st_ino) == keep);
	}
	x = index_load(dir, "index");
	ck_assert(!knows(x, "a/b", &st));
	index_free(x);
	/* One that was not loaded replaces what is there. */
	x = index_new(dir, "index");
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	ck_assert_int_eq(fstatat(dir, "index", &before, 0), 0);
	ck_assert(before.st_ino != after.st_ino);
}
END_TEST

/* Whether exactly the even ones of 3000 are known. */
static void
ask(struct stat_index *x, int i, const struct stat *st)
{
	char path[16];

	snprintf(path, sizeof(path), "file%05d", i);
	ck_assert_msg(knows(x, path, st) == (i % 2 == 0), "%s", path);
}

START_TEST(paths_may_be_asked_for_in_any_order)
{
	struct stat st = old_stat();
	int dir = unit_dir(), i;
	struct stat_index *x = index_new(dir, "index");
	struct error err = ERROR_INIT;
	char path[16];

	for (i = 2; i < 3000; i += 2) {
		snprintf(path, sizeof(path), "file%05d", i);
		index_put(x, path, &st, digest);
	}
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	for (i = 1; i < 3000; i++)
		ask(x, i, &st);
	for (i = 2999; i > 0; i--)
		ask(x, i, &st);
	for (i = 1; i < 3000; i += 101) /* further than is read over */
		ask(x, i, &st);
	for (i = 0; i < 3000; i++)
		ask(x, 1 + i * 7 % 2999, &st);
	index_free(x);
}
END_TEST

START_TEST(an_index_that_changes_under_its_reader_is_not_known)
{
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x = saved(dir, &st);
	struct error err = ERROR_INIT;

	ck_assert_int_eq(truncate("index", 30), 0);
	ck_assert(!knows(x, "a/b", &st));
	index_put(x, "b", &st, digest);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	ck_assert(!knows(x, "a/b", &st));
	ck_assert(knows(x, "b", &st));
	index_free(x);
}
END_TEST

START_TEST(one_that_is_not_saved_leaves_nothing_behind)
{
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x = saved(dir, &st);

	index_put(x, "b", &st, digest);
	index_free(x);
	ck_assert_int_eq(system("test \"$(ls)\" = index"), 0);
	x = index_load(dir, "index");
	ck_assert(knows(x, "a/b", &st));
	index_free(x);
}
END_TEST

START_TEST(a_file_that_changed_in_this_tick_is_not_trusted)
{
	struct stat st = old_stat(), racy;
	int dir = unit_dir();
	struct stat_index *x;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += 60;
	racy = st;
	racy.st_mtim = now;
	x = saved(dir, &racy);
	ck_assert(!knows(x, "a/b", &racy));
	index_free(x);
	racy = st;
	racy.st_ctim = now;
	x = saved(dir, &racy);
	ck_assert(!knows(x, "a/b", &racy));
	index_free(x);
}
END_TEST

START_TEST(a_file_written_just_before_hashing_is_not_trusted)
{
	int dir = unit_dir(), i;
	struct stat_index *x;
	struct stat st;

	/* Whichever tick the clock is in. */
	for (i = 0; i < 100; i++) {
		struct stat_index *y = index_new(dir, "index");
		struct error err = ERROR_INIT;

		unit_write("file", "x");
		ck_assert_int_eq(stat("file", &st), 0);
		index_put(y, "file", &st, digest);
		ck_assert_int_eq(index_save(y, &err), 0);
		index_free(y);
		x = index_load(dir, "index");
		ck_assert(!knows(x, "file", &st));
		index_free(x);
	}
}
END_TEST

START_TEST(what_is_let_pass_is_trusted)
{
	int dir = unit_dir();
	struct stat_index *x;
	struct error err = ERROR_INIT;
	struct stat st;

	unit_write("a", "text");
	ck_assert_int_eq(stat("a", &st), 0);
	index_let_pass((int64_t)st.st_ctim.tv_sec * 1000000000 +
		st.st_ctim.tv_nsec);
	x = index_new(dir, "index");
	index_put(x, "a", &st, digest);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
	x = index_load(dir, "index");
	ck_assert(knows(x, "a", &st));
	index_free(x);
	/* Neither a time to come nor one that never was is waited for. */
	index_let_pass(INT64_MAX);
	index_let_pass(INT64_MIN);
}
END_TEST

START_TEST(whole_seconds_must_be_two_seconds_older)
{
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x;
	bool known;

	st.st_mtim.tv_sec = time(NULL) - 1;
	x = saved(dir, &st);
	ck_assert(knows(x, "a/b", &st));
	index_free(x);
	/* Where this takes a second, it is old enough by then. */
	do {
		st.st_mtim.tv_sec = time(NULL) - 1;
		st.st_mtim.tv_nsec = 0;
		x = saved(dir, &st);
		known = knows(x, "a/b", &st);
		index_free(x);
	} while (time(NULL) > st.st_mtim.tv_sec + 1);
	ck_assert(!known);
	st.st_mtim.tv_sec -= 2;
	x = saved(dir, &st);
	ck_assert(knows(x, "a/b", &st));
	index_free(x);
}
END_TEST

START_TEST(a_missing_index_is_empty)
{
	struct stat st = old_stat();
	struct stat_index *x = index_load(unit_dir(), "none");

	ck_assert(!knows(x, "a/b", &st));
	index_free(x);
}
END_TEST

/* Replaces the saved index by its first len bytes, one of them changed. */
static void
damage(const char *text, size_t len, size_t at)
{
	int fd = open("index", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char *copy = malloc(len + 1);

	ck_assert(fd >= 0 && copy);
	memcpy(copy, text, len);
	if (at < len)
		copy[at] ^= 1;
	ck_assert_int_eq(io_write_full(fd, copy, len), 0);
	free(copy);
	close(fd);
}

START_TEST(a_damaged_or_cut_index_is_empty)
{
	struct stat st = old_stat();
	int dir = unit_dir(), fd;
	struct stat_index *x = saved(dir, &st);
	char text[4096];
	ssize_t n, i;

	index_free(x);
	fd = open("index", O_RDONLY);
	n = io_read_full(fd, text, sizeof(text));
	close(fd);
	ck_assert_int_gt(n, 0);
	for (i = 0; i < 2 * n; i++) {
		damage(text, i < n ? (size_t)i : (size_t)n,
			i < n ? (size_t)n : (size_t)(i - n));
		x = index_load(dir, "index");
		ck_assert(!knows(x, "a/b", &st));
		index_free(x);
	}
	damage(text, (size_t)n, (size_t)n);
	x = index_load(dir, "index");
	ck_assert(knows(x, "a/b", &st));
	index_free(x);
}
END_TEST

/* Damage that the digest does not show: another program's. */
START_TEST(records_are_checked_even_when_the_digest_holds)
{
	static const char magic[] = "deploy-index 1\n";
	char text[256];
	size_t len;
	struct stat st = old_stat();
	int dir = unit_dir();
	struct stat_index *x;

	for (len = 0; len < 100; len++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, magic, sizeof(magic) - 1);
		digest_bytes(text, 23 + len, (uint8_t *)text + 23 + len);
		damage(text, 23 + len + DIGEST_SIZE, SIZE_MAX);
		x = index_load(dir, "index");
		ck_assert(!knows(x, "x", &st));
		index_free(x);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("index");
	TCase *tests = tcase_create("index");

	tcase_add_test(tests, what_was_put_is_known_after_loading);
	tcase_add_test(tests, any_change_of_stat_data_is_a_change);
	tcase_add_test(tests, only_what_was_put_is_saved);
	tcase_add_test(tests, what_is_kept_is_saved_with_what_is_put_instead);
	tcase_add_test(tests, chunks_of_large_files_are_kept);
	tcase_add_test(tests, an_index_is_written_again_only_if_it_changed);
	tcase_add_test(tests, paths_may_be_asked_for_in_any_order);
	tcase_add_test(tests,
		an_index_that_changes_under_its_reader_is_not_known);
	tcase_add_test(tests, one_that_is_not_saved_leaves_nothing_behind);
	tcase_add_test(tests, a_file_that_changed_in_this_tick_is_not_trusted);
	tcase_add_test(tests,
		a_file_written_just_before_hashing_is_not_trusted);
	tcase_add_test(tests, what_is_let_pass_is_trusted);
	tcase_add_test(tests, whole_seconds_must_be_two_seconds_older);
	tcase_add_test(tests, a_missing_index_is_empty);
	tcase_add_test(tests, a_damaged_or_cut_index_is_empty);
	tcase_add_test(tests, records_are_checked_even_when_the_digest_holds);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
