#include "tree/chunk_thread.h"

#include <stdlib.h>

static char *
piece(const struct chunk_thread *t, size_t i)
{
	return t->pieces + i % CHUNK_THREAD_PIECES * CHUNK_THREAD_PIECE;
}

static void *
run(void *arg)
{
	struct chunk_thread *t = arg;

	pthread_mutex_lock(&t->mutex);
	while (!t->ending || t->done < t->given) {
		size_t i = t->done;

		if (i == t->given) {
			pthread_cond_wait(&t->changed, &t->mutex);
			continue;
		}
		pthread_mutex_unlock(&t->mutex);
		chunker_add(t->chunker, piece(t, i),
			t->len[i % CHUNK_THREAD_PIECES]);
		pthread_mutex_lock(&t->mutex);
		t->done++;
		pthread_cond_signal(&t->changed);
	}
	pthread_mutex_unlock(&t->mutex);
	return NULL;
}

static void
release(struct chunk_thread *t)
{
	pthread_mutex_destroy(&t->mutex);
	pthread_cond_destroy(&t->changed);
	free(t->pieces);
}

void
chunk_thread_start(struct chunk_thread *t, struct chunker *c)
{
	t->chunker = c;
	t->pieces = mem_alloc(CHUNK_THREAD_PIECES * CHUNK_THREAD_PIECE);
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->runs = pthread_create(&t->thread, NULL, run, t) == 0;
	if (!t->runs)
		release(t);
}

char *
chunk_thread_next(struct chunk_thread *t)
{
	pthread_mutex_lock(&t->mutex);
	while (t->given - t->done == CHUNK_THREAD_PIECES)
		pthread_cond_wait(&t->changed, &t->mutex);
	pthread_mutex_unlock(&t->mutex);
	return piece(t, t->given);
}

void
chunk_thread_give(struct chunk_thread *t, size_t len)
{
	pthread_mutex_lock(&t->mutex);
	t->len[t->given++ % CHUNK_THREAD_PIECES] = len;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->mutex);
}

void
chunk_thread_end(struct chunk_thread *t)
{
	if (!t->runs)
		return;
	pthread_mutex_lock(&t->mutex);
	t->ending = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->mutex);
	pthread_join(t->thread, NULL);
	release(t);
	t->runs = false;
}
