#include "tree/kept.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#define FILES 2000
#define THREADS 4
/* A file's bytes depend on its place. */
#define SIZE(place) (1 + (place)*37 % 3000)

static bool
put(struct kept *k, size_t place)
{
	struct kept_file *f = kept_begin(k, (int64_t)SIZE(place));

	if (!f)
		return false;
	memset(f->data, (int)(place % 251), f->size);
	kept_add(k, place, f);
	return true;
}

/* Takes it, and whether it was there, as it was put. */
static bool
take(struct kept *k, size_t place)
{
	struct kept_file *f = kept_take(k, place);
	size_t i;

	if (!f)
		return false;
	if (f->size != SIZE(place))
		abort();
	for (i = 0; i < f->size; i++)
		if (f->data[i] != (char)(place % 251))
			abort();
	free(f);
	return true;
}

START_TEST(each_is_had_once_in_any_order)
{
	static const size_t places[] = { 7, 3, 1000000, 4, 0, 9, 5 };
	struct kept *k = kept_new(KEPT_MOST);
	size_t i;

	for (i = 0; i < 7; i++)
		ck_assert(put(k, places[i]));
	ck_assert(!take(k, 6));
	ck_assert(!take(k, 1000001));
	for (i = 7; i-- > 0;) {
		ck_assert(take(k, places[i]));
		ck_assert(!take(k, places[i]));
	}
	kept_free(k);
}
END_TEST

START_TEST(nothing_is_kept_where_nothing_is)
{
	struct kept *k = kept_new(KEPT_MOST);

	ck_assert(!take(k, 0));
	ck_assert_ptr_null(kept_take(NULL, 0));
	ck_assert_ptr_null(kept_begin(NULL, 1));
	ck_assert_ptr_null(kept_begin(k, 0));
	ck_assert_ptr_null(kept_begin(k, KEPT_FILE + 1));
	ck_assert_ptr_null(kept_begin(k, INT64_MAX));
	kept_cancel(k, NULL);
	kept_cancel(NULL, NULL);
	kept_free(k);
	kept_free(NULL);
}
END_TEST

/* How many files of that size there is room for; they are left there. */
static size_t
fill(struct kept *k, int64_t size, size_t place)
{
	struct kept_file *f;
	size_t n = 0;

	while ((f = kept_begin(k, size))) {
		memset(f->data, 1, f->size);
		kept_add(k, place + n++, f);
	}
	return n;
}

START_TEST(it_has_a_bound_in_which_each_file_costs_more_than_its_bytes)
{
	static const int64_t sizes[] = { 1, 100, 10000, KEPT_FILE };
	size_t i;

	for (i = 0; i < 4; i++) {
		struct kept *k = kept_new(KEPT_MOST);
		size_t n = fill(k, sizes[i], 0);

		ck_assert_uint_lt(n * (sizes[i] + 32), KEPT_MOST);
		ck_assert_uint_gt(n * (sizes[i] + 96), KEPT_MOST - KEPT_FILE);
		/* A smaller one may still find room, a larger one never. */
		ck_assert_ptr_null(kept_begin(k, KEPT_FILE));
		kept_free(k);
	}
}
END_TEST

static bool
is_even(size_t place, void *arg)
{
	++*(size_t *)arg;
	return place % 2 == 0;
}

START_TEST(what_is_given_up_leaves_room)
{
	struct kept *k = kept_new(1000000);
	size_t n = fill(k, 1000, 0), asked = 0;
	struct kept_file *f;

	f = kept_take(k, 0);
	ck_assert_ptr_nonnull(f);
	free(f);
	f = kept_begin(k, 1000);
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_null(kept_begin(k, 1000));
	kept_cancel(k, f);
	ck_assert_uint_eq(fill(k, 1000, n), 1);
	kept_only(k, is_even, &asked);
	ck_assert_uint_ge(asked, n);
	ck_assert_ptr_null(kept_take(k, 1));
	f = kept_take(k, 2);
	ck_assert_ptr_nonnull(f);
	free(f);
	ck_assert_uint_ge(fill(k, 1000, n + 1), n / 2);
	kept_free(k);
}
END_TEST

/* Threads that hash, and others that send behind them. */
static struct kept *shared;
static atomic_size_t next_put, put_by_now, taken, gone;

static void *
put_some(void *arg)
{
	size_t place;

	while ((place = next_put++) < FILES) {
		struct kept_file *other = kept_begin(shared, 5000);

		if (!put(shared, place))
			gone++;
		kept_cancel(shared, other);
		put_by_now++;
	}
	return arg;
}

static void *
take_some(void *arg)
{
	size_t round, i;

	for (round = 0; round < 50 && taken + gone < FILES; round++)
		for (i = 0; i < FILES; i++)
			taken += take(shared, i);
	return arg;
}

static bool
want_all(size_t place, void *arg)
{
	return true;
}

START_TEST(threads_may_do_all_of_it_at_once)
{
	pthread_t threads[2 * THREADS];
	struct kept *fresh;
	int i;

	/* Little room: now and then there is none. */
	shared = kept_new(200000);
	for (i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_some,
					 NULL),
			0);
		ck_assert_int_eq(pthread_create(&threads[THREADS + i], NULL,
					 take_some, NULL),
			0);
	}
	while (put_by_now < FILES)
		kept_only(shared, want_all, NULL);
	for (i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < FILES; i++)
		taken += take(shared, (size_t)i);
	ck_assert_uint_eq(taken + gone, FILES);
	/* All of the room is there again. */
	fresh = kept_new(200000);
	ck_assert_uint_eq(fill(shared, 1000, FILES), fill(fresh, 1000, 0));
	kept_free(fresh);
	kept_free(shared);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kept");
	TCase *tc = tcase_create("kept");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_is_had_once_in_any_order);
	tcase_add_test(tc, nothing_is_kept_where_nothing_is);
	tcase_add_test(tc,
		it_has_a_bound_in_which_each_file_costs_more_than_its_bytes);
	tcase_add_test(tc, what_is_given_up_leaves_room);
	tcase_add_test(tc, threads_may_do_all_of_it_at_once);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
