#include "beside.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static char *
piece(const struct beside *b, size_t i)
{
	return b->pieces + i % BESIDE_PIECES * BESIDE_PIECE;
}

static void *
run(void *arg)
{
	struct beside *b = arg;

	pthread_mutex_lock(&b->mutex);
	while (!b->ending || b->done < b->given) {
		size_t i = b->done;

		if (i == b->given) {
			pthread_cond_wait(&b->changed, &b->mutex);
			continue;
		}
		pthread_mutex_unlock(&b->mutex);
		b->fn(b->arg, piece(b, i), b->len[i % BESIDE_PIECES]);
		pthread_mutex_lock(&b->mutex);
		b->done++;
		pthread_cond_signal(&b->changed);
	}
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

void
beside_start(struct beside *b, beside_fn *fn, void *arg)
{
	memset(b, 0, sizeof(*b));
	b->fn = fn;
	b->arg = arg;
	b->pieces = mem_alloc(BESIDE_PIECES * BESIDE_PIECE);
	pthread_mutex_init(&b->mutex, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->threaded = pthread_create(&b->thread, NULL, run, b) == 0;
}

char *
beside_next(struct beside *b)
{
	pthread_mutex_lock(&b->mutex);
	while (b->given - b->done == BESIDE_PIECES)
		pthread_cond_wait(&b->changed, &b->mutex);
	pthread_mutex_unlock(&b->mutex);
	return piece(b, b->given);
}

void
beside_give(struct beside *b, size_t len)
{
	if (!b->threaded) {
		b->fn(b->arg, b->pieces, len);
		return;
	}
	pthread_mutex_lock(&b->mutex);
	b->len[b->given++ % BESIDE_PIECES] = len;
	pthread_cond_signal(&b->changed);
	pthread_mutex_unlock(&b->mutex);
}

void
beside_end(struct beside *b)
{
	if (b->threaded) {
		pthread_mutex_lock(&b->mutex);
		b->ending = true;
		pthread_cond_signal(&b->changed);
		pthread_mutex_unlock(&b->mutex);
		pthread_join(b->thread, NULL);
	}
	pthread_mutex_destroy(&b->mutex);
	pthread_cond_destroy(&b->changed);
	free(b->pieces);
}
