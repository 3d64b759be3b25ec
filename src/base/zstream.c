#include "zstream.h"

#include <stdlib.h>
#include <zstd.h>

#include "buf.h"
#include "error.h"
#include "mem.h"

struct zout {
	ZSTD_CCtx *ctx;
};

struct zin {
	ZSTD_DCtx *ctx;
	bool ended;
};

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

void
zout_free(struct zout *z)
{
	if (z)
		ZSTD_freeCCtx(z->ctx);
	free(z);
}

void
zout_write(struct zout *z, const void *data, size_t len, enum zflush flush,
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

	if (z->ended && *used < len)
		return error_set(err, "data behind the end of a zstd stream");
	if (z->ended)
		return 0;
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
