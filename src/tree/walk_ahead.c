#include "tree/walk_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define THREADS_MOST 16
/* Names found in directories that the walk has not come to: some 2 MB. */
#define FOUND_MOST 20000
#define FOUND_LEAST (FOUND_MOST / 2)
/* How long the walk waits before it looks after other things. */
#define WAIT_NS 2000000

struct ahead {
	const struct scan_options *o;
	struct rules *rules;
	struct reader own; /* the walk's */
	pthread_t threads[THREADS_MOST];
	int n_threads, most;
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t work, read;
	struct directory *waiting; /* what the walk needs first is in front */
	size_t found;
	int idle; /* threads */
	bool ending;
};

struct ahead *
ahead_new(const struct scan_options *o, struct rules *rules)
{
	struct ahead *a = mem_zalloc(1, sizeof(*a));
	pthread_condattr_t attributes;
	long n = o->threads > 0 ? o->threads : sysconf(_SC_NPROCESSORS_ONLN);

	a->o = o;
	a->rules = rules;
	a->most = n > THREADS_MOST ? THREADS_MOST : (int)n - 1;
	reader_init(&a->own, o, rules);
	pthread_mutex_init(&a->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->read, &attributes);
	pthread_condattr_destroy(&attributes);
	return a;
}

static void
take(struct ahead *a, struct directory *d)
{
	if (d->before)
		d->before->behind = d->behind;
	else
		a->waiting = d->behind;
	if (d->behind)
		d->behind->before = d->before;
	d->before = d->behind = NULL;
	d->state = DIRECTORY_BEGUN;
}

/* In front of all that wait, in their order; the number of them. */
static int
put_children(struct ahead *a, struct directory *d)
{
	size_t i = d->n;
	int n = 0;

	while (i-- > 0) {
		struct directory *child = d->v[i].directory;

		if (d->v[i].kind != FOUND_DIRECTORY)
			continue;
		child->behind = a->waiting;
		if (a->waiting)
			a->waiting->before = child;
		a->waiting = child;
		n++;
	}
	return n;
}

/* Reads one; called with the mutex held, which it lets go meanwhile. */
static void
read_one(struct ahead *a, struct reader *r, struct directory *d)
{
	int i, n;

	take(a, d);
	pthread_mutex_unlock(&a->mutex);
	reader_read(r, d);
	pthread_mutex_lock(&a->mutex);
	d->state = DIRECTORY_READ;
	a->found += d->n;
	n = put_children(a, d);
	for (i = 0; i < n && i < a->idle && a->found < FOUND_MOST; i++)
		pthread_cond_signal(&a->work);
	pthread_cond_signal(&a->read);
}

static void *
run(void *arg)
{
	struct ahead *a = arg;
	struct reader r;

	reader_init(&r, a->o, a->rules);
	pthread_mutex_lock(&a->mutex);
	while (!a->ending) {
		if (a->waiting && a->found < FOUND_MOST) {
			read_one(a, &r, a->waiting);
			continue;
		}
		a->idle++;
		pthread_cond_wait(&a->work, &a->mutex);
		a->idle--;
	}
	pthread_mutex_unlock(&a->mutex);
	reader_release(&r);
	return NULL;
}

/* One more thread, if there is work for it; the mutex is held. */
static void
start_thread(struct ahead *a)
{
	if (a->n_threads < a->most && a->waiting && !a->idle &&
		pthread_create(&a->threads[a->n_threads], NULL, run, a) == 0)
		a->n_threads++;
}

static void
wait_for_others(struct ahead *a)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&a->read, &a->mutex, &until);
}

/* The walk has come to it. */
static void
hand_over(struct ahead *a, const struct directory *d)
{
	bool enough = a->found >= FOUND_LEAST;

	a->found -= d->n;
	if (enough && a->found < FOUND_LEAST && a->idle)
		pthread_cond_broadcast(&a->work);
}

bool
ahead_work(struct ahead *a, struct directory *d)
{
	bool done;

	pthread_mutex_lock(&a->mutex);
	if (d->state == DIRECTORY_WAITS)
		read_one(a, &a->own, d);
	else if (d->state == DIRECTORY_BEGUN && a->waiting &&
		a->found < FOUND_MOST)
		read_one(a, &a->own, a->waiting);
	else if (d->state == DIRECTORY_BEGUN)
		wait_for_others(a);
	done = d->state == DIRECTORY_READ;
	if (done)
		hand_over(a, d);
	start_thread(a);
	pthread_mutex_unlock(&a->mutex);
	return done;
}

void
ahead_free(struct ahead *a)
{
	int i;

	if (!a)
		return;
	pthread_mutex_lock(&a->mutex);
	a->ending = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->mutex);
	for (i = 0; i < a->n_threads; i++)
		pthread_join(a->threads[i], NULL);
	reader_release(&a->own);
	pthread_mutex_destroy(&a->mutex);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->read);
	free(a);
}
