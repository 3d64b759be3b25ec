#include "contexts.h"

#include <pthread.h>
#include <stddef.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/mem.h"

/* Those of one kind that nobody uses. */
struct shelf {
	void **v;
	size_t n, cap;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct shelf out, in;

static void *
take(struct shelf *s)
{
	void *ctx;

	pthread_mutex_lock(&mutex);
	ctx = s->n ? s->v[--s->n] : NULL;
	pthread_mutex_unlock(&mutex);
	return ctx;
}

static void
put(struct shelf *s, void *ctx)
{
	pthread_mutex_lock(&mutex);
	MEM_GROW(s->v, s->n, s->cap);
	s->v[s->n++] = ctx;
	pthread_mutex_unlock(&mutex);
}

void
contexts_link(void)
{
}

ZSTD_CCtx *
ZSTD_createCCtx(void)
{
	ZSTD_CCtx *ctx = take(&out);

	if (!ctx)
		return ZSTD_createCCtx_advanced(ZSTD_defaultCMem);
	ZSTD_CCtx_reset(ctx, ZSTD_reset_session_and_parameters);
	return ctx;
}

size_t
ZSTD_freeCCtx(ZSTD_CCtx *ctx)
{
	if (ctx)
		put(&out, ctx);
	return 0;
}

ZSTD_DCtx *
ZSTD_createDCtx(void)
{
	ZSTD_DCtx *ctx = take(&in);

	if (!ctx)
		return ZSTD_createDCtx_advanced(ZSTD_defaultCMem);
	ZSTD_DCtx_reset(ctx, ZSTD_reset_session_and_parameters);
	return ctx;
}

size_t
ZSTD_freeDCtx(ZSTD_DCtx *ctx)
{
	if (ctx)
		put(&in, ctx);
	return 0;
}
