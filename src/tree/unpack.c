#include "tree/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/zstream.h"

#define PLAIN_SIZE (128 * 1024)
/*
 * Plain bytes that libarchive may ask for before it gives some: it keeps all of
 * a long name or a sparse map, whose sizes are the client's to choose.
 */
#define PULLED_MOST (1024 * 1024)
/* Level 1 to 19 of zstd need no more than 8 MiB. */
#define WINDOW_LOG 23

struct unpack {
	unpack_pull_fn *pull;
	void *arg;
	struct archive *tar;
	struct zin *z;
	struct digest *digest;
	const char *in; /* compressed bytes not used yet */
	size_t len, used;
	bool full; /* zstd may hold more than `plain` took */
	char *plain;
	size_t pulled;       /* by the call under way */
	struct error failed; /* of the callback, which libarchive hides */
	bool has_failed;
	bool open;
};

static long
decompress(struct unpack *u)
{
	long got = zin_read(u->z, u->in, u->len, &u->used, u->plain, PLAIN_SIZE,
		&u->failed);

	u->full = got == PLAIN_SIZE;
	if (got <= 0)
		return got;
	if (u->pulled > PULLED_MOST)
		return error_status(&u->failed, STATUS_TRANSFER,
			"bad files stream: a member's header is too large");
	u->pulled += (size_t)got;
	return got;
}

/* libarchive asks for more of the tar. */
static la_ssize_t
give_bytes(struct archive *a, void *arg, const void **data)
{
	struct unpack *u = arg;

	for (;;) {
		const void *p = NULL;
		ssize_t n;
		long got;

		if (u->used < u->len || u->full) {
			got = decompress(u);
			if (got > 0) {
				*data = u->plain;
				return got;
			}
			if (got < 0)
				break;
			continue;
		}
		n = u->pull(u->arg, &p, &u->failed);
		if (n == 0)
			return 0;
		if (n < 0)
			break;
		u->in = p;
		u->len = (size_t)n;
		u->used = 0;
	}
	u->has_failed = true;
	archive_set_error(a, -1, "%s", u->failed.text);
	return -1;
}

struct unpack *
unpack_new(unpack_pull_fn *pull, void *arg)
{
	struct unpack *u = mem_zalloc(1, sizeof(*u));

	u->pull = pull;
	u->arg = arg;
	u->plain = mem_alloc(PLAIN_SIZE);
	u->z = zin_new_frames(WINDOW_LOG);
	u->digest = digest_new();
	u->tar = archive_read_new();
	if (!u->tar || archive_read_support_format_tar(u->tar) != ARCHIVE_OK)
		abort();
	return u;
}

void
unpack_free(struct unpack *u)
{
	if (!u)
		return;
	archive_read_free(u->tar);
	zin_free(u->z);
	digest_free(u->digest);
	free(u->plain);
	free(u);
}

static int
tar_failed(struct unpack *u, struct error *err)
{
	const char *why = archive_error_string(u->tar);

	if (u->has_failed) {
		*err = u->failed;
		return -1;
	}
	return error_status(err, STATUS_TRANSFER, "bad files stream: %s",
		why ? why : "it ended early");
}

/* Opening reads the first bytes, so it waits until some have come. */
static int
open_once(struct unpack *u, struct error *err)
{
	if (!u->open &&
		archive_read_open(u->tar, u, NULL, give_bytes, NULL) !=
			ARCHIVE_OK)
		return tar_failed(u, err);
	u->open = true;
	return 0;
}

int
unpack_header(struct unpack *u, uint64_t *size, struct error *err)
{
	struct archive_entry *e;

	u->pulled = 0;
	if (open_once(u, err) < 0)
		return -1;
	if (archive_read_next_header(u->tar, &e) != ARCHIVE_OK)
		return tar_failed(u, err);
	if (archive_entry_filetype(e) != AE_IFREG ||
		archive_entry_hardlink(e) || !archive_entry_size_is_set(e) ||
		archive_entry_size(e) < 0)
		return error_status(err, STATUS_TRANSFER,
			"bad files stream: a member is no regular file");
	*size = (uint64_t)archive_entry_size(e);
	return 0;
}

int
unpack_data(struct unpack *u, uint64_t size, unpack_sink_fn *sink, void *arg,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	uint64_t done = 0;

	for (;;) {
		const void *data;
		la_int64_t offset;
		size_t len;
		int rc;

		u->pulled = 0;
		rc = archive_read_data_block(u->tar, &data, &len, &offset);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK)
			return tar_failed(u, err);
		/* A sparse member would leave holes. */
		if ((uint64_t)offset != done || len > size - done)
			return error_status(err, STATUS_TRANSFER,
				"bad files stream: a sparse member");
		digest_update(u->digest, data, len);
		sink(arg, data, len);
		done += len;
	}
	if (done != size)
		return error_status(err, STATUS_TRANSFER,
			"bad files stream: a member is cut short");
	digest_final(u->digest, digest);
	return 0;
}
