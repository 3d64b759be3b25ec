#include "server/plan_ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/mem.h"

#define THREADS_MOST 8
/* Entries that one thread looks at in a go. */
#define BATCH 128
/* Batches ahead of the walk, and so all that is in memory: some 1 MB. */
#define BATCHES 64

struct batch {
	size_t number; /* from 1; 0: none */
	bool done;     /* else somebody is at it */
	bool got[BATCH];
	struct stat st[BATCH];
};

struct plan_ahead {
	int next;
	const struct manifest *m;
	struct beneath own; /* the walk's */
	pthread_t threads[THREADS_MOST];
	int n_threads;
	size_t at;             /* batch that the walk has come to */
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t room, done;
	size_t begun; /* the last batch that somebody took on */
	bool ending;
	struct batch ring[BATCHES];
};

static struct batch *
slot(struct plan_ahead *a, size_t number)
{
	return &a->ring[number % BATCHES];
}

/* The next batch to look at, if there is room for it; the mutex is held. */
static struct batch *
take(struct plan_ahead *a)
{
	size_t number = a->begun + 1;
	struct batch *b = slot(a, number);

	if (number >= a->at + BATCHES || (number - 1) * BATCH >= a->m->n ||
		(b->number && !b->done))
		return NULL;
	a->begun = number;
	b->number = number;
	b->done = false;
	return b;
}

/* Called with the mutex held, which it lets go meanwhile. */
static void
look(struct plan_ahead *a, struct beneath *at, struct batch *b)
{
	size_t from = (b->number - 1) * BATCH, i;
	const char *leaf;
	int dir;

	pthread_mutex_unlock(&a->mutex);
	for (i = 0; i < BATCH && from + i < a->m->n; i++) {
		dir = beneath_at(at, a->m->v[from + i].path, &leaf);
		b->got[i] = dir >= 0 &&
			fstatat(dir, leaf, &b->st[i], AT_SYMLINK_NOFOLLOW) == 0;
	}
	pthread_mutex_lock(&a->mutex);
	b->done = true;
	pthread_cond_broadcast(&a->done);
}

static void *
run(void *arg)
{
	struct plan_ahead *a = arg;
	struct beneath at;
	struct batch *b;

	beneath_init(&at, a->next);
	pthread_mutex_lock(&a->mutex);
	while (!a->ending) {
		b = take(a);
		if (b)
			look(a, &at, b);
		else
			pthread_cond_wait(&a->room, &a->mutex);
	}
	pthread_mutex_unlock(&a->mutex);
	beneath_release(&at);
	return NULL;
}

/* Signals are for the session's own thread, whose waits they end. */
static void
start_threads(struct plan_ahead *a, int most)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (a->n_threads < most &&
		pthread_create(&a->threads[a->n_threads], NULL, run, a) == 0)
		a->n_threads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct plan_ahead *
plan_ahead_new(int next, const struct manifest *m)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct plan_ahead *a;

	if (n < 1 || m->n < (size_t)BATCH * 4)
		return NULL;
	a = mem_zalloc(1, sizeof(*a));
	a->next = next;
	a->m = m;
	beneath_init(&a->own, next);
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->room, NULL);
	pthread_cond_init(&a->done, NULL);
	start_threads(a, n > THREADS_MOST ? THREADS_MOST : (int)n);
	return a;
}

/* Until batch `number` is there the walk does as the threads do. */
static void
wait_for(struct plan_ahead *a, size_t number)
{
	struct batch *b;

	pthread_mutex_lock(&a->mutex);
	a->at = number;
	if (a->begun + 1 < number) /* those in between are not needed */
		a->begun = number - 1;
	pthread_cond_broadcast(&a->room);
	while (slot(a, number)->number != number || !slot(a, number)->done) {
		b = take(a);
		if (b)
			look(a, &a->own, b);
		else
			pthread_cond_wait(&a->done, &a->mutex);
	}
	pthread_mutex_unlock(&a->mutex);
}

const struct stat *
plan_ahead_get(struct plan_ahead *a, size_t place)
{
	size_t number = place / BATCH + 1, i = place % BATCH;
	const struct batch *b = slot(a, number);

	if (a->at != number)
		wait_for(a, number);
	return b->got[i] ? &b->st[i] : NULL;
}

void
plan_ahead_free(struct plan_ahead *a)
{
	int i;

	if (!a)
		return;
	pthread_mutex_lock(&a->mutex);
	a->ending = true;
	pthread_cond_broadcast(&a->room);
	pthread_mutex_unlock(&a->mutex);
	for (i = 0; i < a->n_threads; i++)
		pthread_join(a->threads[i], NULL);
	beneath_release(&a->own);
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->room);
	pthread_cond_destroy(&a->done);
	free(a);
}
