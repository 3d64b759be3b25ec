#include "server/assemble.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/beside.h"
#include "base/io.h"
#include "server/plan_chunks.h"
#include "server/release_reader.h"

/* The file under way, in tmp/. */
#define NAME "joined"

struct assembly {
	struct store *s;
	const struct busy *busy;
	mode_t umask;
	int tmp, next; /* next/ may not be there: -1 */
	struct release_reader releases;
	struct beside beside; /* hashes what is written */
	struct digest *digest;
	const struct piece *last;
	int in; /* what the last piece was read from, or -1 */
	int out;
	char *room;   /* where the bytes that come next go */
	size_t len;   /* how many are there */
	off_t behind; /* up to here the disk was told to begin */
	off_t written;
	struct error *err;
};

static void
hash(void *arg, const void *data, size_t len)
{
	digest_update(arg, data, len);
}

static int
failed(struct assembly *a, const char *path)
{
	error_errno(a->err, "cannot put %s together", path);
	return store_trouble(a->err);
}

/* Opens what holds the piece; -1 with errno. */
static int
open_holder(struct assembly *a, const struct piece *p)
{
	char hex[DIGEST_HEX + 1];

	if (p->where == PIECE_RELEASE)
		return release_reader_open(&a->releases, p->release, p->path);
	if (p->where == PIECE_NEXT)
		return beneath_open_file(a->next, p->path);
	if (p->path)
		return beneath_open_file(a->tmp, p->path);
	digest_to_hex(p->digest, hex);
	return beneath_open_file(a->tmp, hex);
}

/* The same, unless it is open. */
static int
open_piece(struct assembly *a, const struct piece *p)
{
	const struct piece *last = a->last;

	if (a->in >= 0 && last->path && last->path == p->path &&
		last->release == p->release)
		return 0;
	io_close(&a->in);
	a->last = p;
	a->in = open_holder(a, p);
	return a->in < 0 ? -1 : 0;
}

/* Full durability waits for the disk later: the less then, the better. */
static void
write_behind(struct assembly *a)
{
	const off_t step = 8 * 1024 * 1024;

	if (a->s->relaxed || a->written - a->behind < step)
		return;
	(void)sync_file_range(a->out, a->behind, a->written - a->behind,
		SYNC_FILE_RANGE_WRITE);
	a->behind = a->written;
}

static int
flush(struct assembly *a, const struct divided *d)
{
	if (!a->len)
		return 0;
	beside_give(&a->beside, a->len);
	if (io_write_full(a->out, a->room, a->len) < 0)
		return failed(a, d->e->path);
	a->written += (off_t)a->len;
	write_behind(a);
	a->room = beside_next(&a->beside);
	a->len = 0;
	return busy_turn(a->busy, a->err);
}

/* 1, 0 if the piece is not all there, -1. */
static int
add_piece(struct assembly *a, const struct divided *d, const struct piece *p)
{
	uint64_t offset = p->offset;
	size_t left = p->length;

	if (open_piece(a, p) < 0)
		return 0;
	while (left) {
		size_t room = BESIDE_PIECE - a->len;
		size_t n = left < room ? left : room;

		if (io_pread_full(a->in, a->room + a->len, n, offset) !=
			(ssize_t)n)
			return 0;
		a->len += n;
		offset += n;
		left -= n;
		if (a->len == BESIDE_PIECE && flush(a, d) < 0)
			return -1;
	}
	return 1;
}

static int
add_pieces(struct assembly *a, const struct divided *d)
{
	uint32_t i;
	int rc = 1;

	a->room = beside_next(&a->beside);
	a->len = 0;
	a->written = a->behind = 0;
	for (i = 0; rc > 0 && i < d->e->chunks->n; i++)
		rc = add_piece(a, d, d->pieces[i]);
	if (rc > 0 && flush(a, d) < 0)
		rc = -1;
	return rc;
}

/* Writes and hashes it: 1, 0 if it is not what it should be, -1. */
static int
write_joined(struct assembly *a, const struct divided *d)
{
	uint8_t digest[DIGEST_SIZE];
	int rc;

	(void)unlinkat(a->tmp, NAME, 0);
	a->out = openat(a->tmp, NAME,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		d->e->mode & ~a->umask);
	if (a->out < 0)
		return failed(a, d->e->path);
	beside_start(&a->beside, hash, a->digest);
	rc = add_pieces(a, d);
	beside_end(&a->beside);
	digest_final(a->digest, digest);
	io_close(&a->out);
	return rc > 0 ? !memcmp(digest, d->e->digest, DIGEST_SIZE) : rc;
}

static int
join(struct assembly *a, const struct divided *d)
{
	char hex[DIGEST_HEX + 1];
	int rc = write_joined(a, d);

	if (rc <= 0) {
		(void)unlinkat(a->tmp, NAME, 0);
		return rc;
	}
	digest_to_hex(d->e->digest, hex);
	if (renameat(a->tmp, NAME, a->tmp, hex) < 0)
		return failed(a, d->e->path);
	d->u->where = SUPPLY_TMP;
	return 1;
}

static int
join_all(struct assembly *a, const struct plan *p)
{
	size_t i;
	int rc = 1;

	for (i = 0; i < p->n_divided; i++) {
		int one = 1;

		if (p->divided[i].u->where == SUPPLY_CHUNKS)
			one = join(a, &p->divided[i]);
		if (one < 0)
			return -1;
		rc = rc && one;
	}
	return rc;
}

int
assemble(struct store *s, struct plan *p, mode_t umask, const struct busy *busy,
	struct error *err)
{
	struct assembly a = { .s = s,
		.busy = busy,
		.umask = umask,
		.in = -1,
		.out = -1,
		.err = err };
	int rc;

	if (!p->n_divided)
		return 1;
	a.tmp = openat(s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a.tmp < 0)
		return failed(&a, "tmp/");
	a.next = openat(s->own, "next",
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	a.digest = digest_new();
	release_reader_init(&a.releases, s);
	rc = join_all(&a, p);
	release_reader_release(&a.releases);
	digest_free(a.digest);
	io_close(&a.in);
	io_close(&a.next);
	io_close(&a.tmp);
	return rc;
}
