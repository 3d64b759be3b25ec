#include "tree/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/io.h"
#include "base/mem.h"

#define TRIES 4
#define READ_SIZE (128 * 1024)
/* Below, a thread costs more than it saves. */
#define THREAD_FILE (4 * 1024 * 1024)

void
hash_reader_init(struct hash_reader *r, int dirfd, atomic_bool *stop)
{
	beneath_init(&r->at, dirfd);
	r->digest = digest_new();
	chunker_init(&r->chunker);
	r->buffer = mem_alloc(READ_SIZE);
	r->stop = stop;
	r->read = 0;
	r->kept = NULL;
	r->whole = NULL;
}

void
hash_reader_release(struct hash_reader *r)
{
	beneath_release(&r->at);
	digest_free(r->digest);
	chunker_release(&r->chunker);
	free(r->buffer);
}

static void
divide(void *arg, const void *data, size_t len)
{
	chunker_add(arg, data, len);
}

/* A piece of the file: its length, 0 at the end, -1 with errno. */
static ssize_t
read_piece(int fd, char *piece, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, piece, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* What is kept has room for `size' bytes. */
static ssize_t
read_next(struct hash_reader *r, int fd, int64_t size, int64_t at, char **piece)
{
	size_t most = READ_SIZE;

	*piece = r->buffer;
	if (r->whole) {
		*piece = r->whole->data + at;
		if (size - at < READ_SIZE)
			most = (size_t)(size - at);
	}
	return read_piece(fd, *piece, most);
}

/* Reads to the end, or to where the end should be; -1 with errno. */
static int64_t
read_small(struct hash_reader *r, int fd, int64_t size, bool divided)
{
	int64_t total = 0;
	char *piece;
	ssize_t n;

	do {
		n = read_next(r, fd, size, total, &piece);
		if (n <= 0)
			break;
		if (divided)
			chunker_add(&r->chunker, piece, (size_t)n);
		digest_update(r->digest, piece, (size_t)n);
		total += n;
	} while (total != size && !(r->stop && *r->stop));
	return n < 0 ? -1 : total;
}

/* The same, dividing it in a thread of its own. */
static int64_t
read_large(struct hash_reader *r, int fd, int64_t size)
{
	struct beside beside;
	int64_t total = 0;
	ssize_t n;

	beside_start(&beside, divide, &r->chunker);
	do {
		char *piece = beside_next(&beside);

		n = read_piece(fd, piece, BESIDE_PIECE);
		if (n <= 0)
			break;
		beside_give(&beside, (size_t)n);
		digest_update(r->digest, piece, (size_t)n);
		total += n;
	} while (total != size && !(r->stop && *r->stop));
	beside_end(&beside);
	return n < 0 ? -1 : total;
}

static int64_t
read_contents(struct hash_reader *r, int fd, int64_t size, bool divided)
{
	int64_t n = divided && size >= THREAD_FILE ?
		read_large(r, fd, size) :
		read_small(r, fd, size, divided);

	r->read += n < 0 ? 0 : (uint64_t)n;
	return n;
}

static bool
same_times(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* One try: 1 if it held still, 0 if it changed, -1 with errno. */
static int
hash_once(struct hash_reader *r, const char *path, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], struct chunks **chunks)
{
	struct stat after;
	const char *leaf;
	int dir = beneath_at(&r->at, path, &leaf), fd = -1;
	int64_t n = -1;

	if (dir >= 0)
		fd = openat(dir, leaf,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0) {
		errno = ELOOP;
		if (S_ISREG(st->st_mode)) {
			r->whole = kept_begin(r->kept, st->st_size);
			n = read_contents(r, fd, st->st_size,
				chunks && st->st_size > CHUNK_FILE);
		}
	}
	digest_final(r->digest, digest);
	if (chunks)
		*chunks = chunker_end(&r->chunker);
	if (n >= 0 && fstat(fd, &after) < 0)
		n = -1;
	io_close(&fd);
	if (n < 0)
		return -1;
	return n == st->st_size && after.st_size == n &&
		after.st_mode == st->st_mode && same_times(st, &after);
}

static int
refuse(const char *path, struct error *err)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(err, "%s vanished while the tree was read",
			path);
	if (errno == ELOOP)
		return error_set(err, "%s is no longer a regular file", path);
	return error_errno(err, "cannot read %s", path);
}

int
hash_reader_file(struct hash_reader *r, const char *path, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], struct chunks **chunks,
	struct error *err)
{
	int i, still;

	r->whole = NULL;
	if (chunks)
		*chunks = NULL;
	for (i = 0; i < TRIES; i++) {
		still = hash_once(r, path, st, digest, chunks);
		if (still > 0)
			return 0;
		kept_cancel(r->kept, r->whole);
		r->whole = NULL;
		if (chunks) {
			free(*chunks);
			*chunks = NULL;
		}
		if (still < 0)
			return refuse(path, err);
		if (r->stop && *r->stop)
			return error_set(err, "interrupted");
		/* Its directory may have been replaced. */
		beneath_forget(&r->at);
	}
	errno = EBUSY;
	error_set(err, "%s keeps changing while it is read", path);
	return error_hint(err,
		"leave it out with a line in .deployignore, or "
		"deploy when nothing writes to it");
}

int
hash_file(int dirfd, const char *path, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct hash_reader r;
	int rc;

	hash_reader_init(&r, dirfd, NULL);
	rc = hash_reader_file(&r, path, st, digest, NULL, err);
	hash_reader_release(&r);
	return rc;
}
