#include "client/cache.h"

#include <pthread.h>
#include <sys/stat.h>

#include "unit.h"

#define OPENERS 4

static pthread_barrier_t start;

static void *
open_it(void *arg)
{
	struct error err = ERROR_INIT;

	pthread_barrier_wait(&start);
	*(int *)arg = cache_open(&err);
	return NULL;
}

/* What deploy does: one thread loads the base, another one the index. */
static void
open_at_once(void)
{
	pthread_t threads[OPENERS];
	int fds[OPENERS], i;

	pthread_barrier_init(&start, NULL, OPENERS);
	for (i = 0; i < OPENERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_it,
					 &fds[i]),
			0);
	for (i = 0; i < OPENERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	for (i = 0; i < OPENERS; i++) {
		ck_assert_int_ge(fds[i], 0);
		close(fds[i]);
	}
}

START_TEST(all_who_make_it_at_once_have_it)
{
	char top[4096];
	int i;

	close(unit_dir());
	ck_assert_ptr_nonnull(getcwd(top, sizeof(top) - 16));
	setenv("HOME", top, 1);
	strcat(top, "/cache");
	setenv("XDG_CACHE_HOME", top, 1);
	for (i = 0; i < 500; i++) {
		open_at_once();
		ck_assert_int_eq(rmdir("cache/deploy"), 0);
		ck_assert_int_eq(rmdir("cache"), 0);
	}
	unsetenv("XDG_CACHE_HOME");
	for (i = 0; i < 500; i++) {
		open_at_once();
		ck_assert_int_eq(rmdir(".cache/deploy"), 0);
		ck_assert_int_eq(rmdir(".cache"), 0);
	}
}
END_TEST

START_TEST(without_a_home_there_is_none)
{
	struct error err = ERROR_INIT;

	unsetenv("HOME");
	unsetenv("XDG_CACHE_HOME");
	ck_assert_int_eq(cache_open(&err), -1);
	setenv("XDG_CACHE_HOME", "relative", 1);
	ck_assert_int_eq(cache_open(&err), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache");
	TCase *tests = tcase_create("cache");

	tcase_add_test(tests, all_who_make_it_at_once_have_it);
	tcase_add_test(tests, without_a_home_there_is_none);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
