#include "zstream.h"

#include <stdlib.h>
#include <zstd.h>

#include "buf.h"
#include "error.h"
#include "mem.h"

/* Of zout_new_threads(): what a source tree still gains from. */
#define WINDOW_LOG 21
/* Bytes that one thread takes at once, and of those before that it sees. */
#define JOB_SIZE (2 << 20)
#define OVERLAP_LOG 7 /* a quarter of the window */

struct zout {
	ZSTD_CCtx *ctx;
	bool threads; /* it has some, so parameters may change in a frame */
	bool begun;   /* a frame has */
	bool stale;   /* it has another effort than is wanted */
	int effort;
};

struct zin {
	ZSTD_DCtx *ctx;
	bool frames; /* any number of them */
	bool ended;
};

/* What an effort is; 0 is the default of the level. */
static const struct effort {
	int level, strategy, chain_log, hash_log, search_log, min_match, length;
} efforts[] = {
	{ .level = 1 },
	{ .level = 3 },
	{ .level = 6 },
	{ 13, ZSTD_btopt, 20, 18, 3, 3, 64 },
	{ 16, ZSTD_btultra, 21, 19, 4, 3, 64 },
};

_Static_assert(sizeof(efforts) / sizeof(*efforts) == ZEFFORT_MOST + 1,
	"efforts");

struct zout *
zout_new(int level)
{
	struct zout *z = mem_zalloc(1, sizeof(*z));

	z->ctx = ZSTD_createCCtx();
	if (!z->ctx)
		abort();
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, level);
	return z;
}

static void
set_effort(struct zout *z)
{
	const struct effort *e = &efforts[z->effort];
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} v[] = {
		{ ZSTD_c_compressionLevel, e->level },
		{ ZSTD_c_strategy, e->strategy },
		{ ZSTD_c_chainLog, e->chain_log },
		{ ZSTD_c_hashLog, e->hash_log },
		{ ZSTD_c_searchLog, e->search_log },
		{ ZSTD_c_minMatch, e->min_match },
		{ ZSTD_c_targetLength, e->length },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(*v); i++)
		ZSTD_CCtx_setParameter(z->ctx, v[i].parameter, v[i].value);
	z->stale = false;
}

struct zout *
zout_new_threads(int threads)
{
	struct zout *z = zout_new(1);

	z->threads = !ZSTD_isError(ZSTD_CCtx_setParameter(z->ctx,
		ZSTD_c_nbWorkers, threads));
	if (z->threads) {
		ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_jobSize, JOB_SIZE);
		ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_overlapLog, OVERLAP_LOG);
	}
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_windowLog, WINDOW_LOG);
	set_effort(z);
	return z;
}

/* Threads take new parameters with their next job, else a frame has to end. */
void
zout_effort(struct zout *z, int effort)
{
	if (z->effort == effort)
		return;
	z->effort = effort;
	z->stale = true;
	if (z->threads || !z->begun)
		set_effort(z);
}

void
zout_free(struct zout *z)
{
	if (z)
		ZSTD_freeCCtx(z->ctx);
	free(z);
}

static void
squeeze(struct zout *z, const void *data, size_t len, enum zflush flush,
	struct buf *out)
{
	static const ZSTD_EndDirective how[] = { ZSTD_e_continue, ZSTD_e_flush,
		ZSTD_e_end };
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer o = { buf_reserve(out, ZSTD_CStreamOutSize()),
			ZSTD_CStreamOutSize(), 0 };

		left = ZSTD_compressStream2(z->ctx, &o, &in, how[flush]);
		if (ZSTD_isError(left))
			abort(); /* memory is out; no other error can be */
		out->len += o.pos;
		out->data[out->len] = '\0';
	} while (flush == ZFLUSH_NO ? in.pos < in.size : left != 0);
	z->begun = flush != ZFLUSH_END;
}

void
zout_write(struct zout *z, const void *data, size_t len, enum zflush flush,
	struct buf *out)
{
	if (z->begun && z->stale) {
		squeeze(z, NULL, 0, ZFLUSH_END, out);
		set_effort(z);
	}
	squeeze(z, data, len, flush, out);
}

bool
zout_gains(const void *data, size_t len)
{
	size_t room = ZSTD_compressBound(len), n;
	char *packed = mem_alloc(room);

	n = ZSTD_compress(packed, room, data, len, 1);
	free(packed);
	return !ZSTD_isError(n) && n < len - len / 32;
}

struct zin *
zin_new(int window_log)
{
	struct zin *z = mem_zalloc(1, sizeof(*z));

	z->ctx = ZSTD_createDCtx();
	if (!z->ctx)
		abort();
	ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax, window_log);
	return z;
}

struct zin *
zin_new_frames(int window_log)
{
	struct zin *z = zin_new(window_log);

	z->frames = true;
	return z;
}

void
zin_free(struct zin *z)
{
	if (z)
		ZSTD_freeDCtx(z->ctx);
	free(z);
}

long
zin_read(struct zin *z, const void *data, size_t len, size_t *used, void *dst,
	size_t size, struct error *err)
{
	ZSTD_inBuffer in = { data, len, *used };
	ZSTD_outBuffer out = { dst, size, 0 };
	size_t rc;

	if (z->ended && *used == len)
		return 0;
	if (z->ended && !z->frames)
		return error_set(err, "data behind the end of a zstd stream");
	rc = ZSTD_decompressStream(z->ctx, &out, &in);
	if (ZSTD_isError(rc))
		return error_set(err, "bad zstd stream: %s",
			ZSTD_getErrorName(rc));
	z->ended = rc == 0;
	*used = in.pos;
	return (long)out.pos;
}

bool
zin_ended(const struct zin *z)
{
	return z->ended;
}
