#include "tree/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/path.h"
#include "tree/chunk.h"
#include "tree/index_file.h"

#define NS 1000000000
/* Records that are read over in search of one, before it is looked up. */
#define PASS_OVER 32

struct stat_index {
	int dirfd;
	char *name;
	struct index_file old;
	struct index_window looking, copying; /* at its records */
	bool *kept;                           /* which of them */
	size_t n_kept;
	size_t next;   /* record, likely the next to be asked for */
	size_t given;  /* record that was given last */
	size_t copied; /* records, or passed over */
	struct index_writer new;
	struct buf last; /* record that was put last: chunks may follow */
	int64_t begun;   /* of what is put */
};

/*
 * The clock that file systems stamp with, which runs in ticks: what changes
 * from now on gets this time or a later one.
 */
int64_t
index_moment(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

static int64_t
to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS + ts->tv_nsec;
}

struct stat_index *
index_new(int dirfd, const char *name)
{
	struct stat_index *x = mem_zalloc(1, sizeof(*x));

	x->dirfd = dirfd;
	x->name = mem_strdup(name);
	x->old.fd = -1;
	x->begun = index_moment();
	return x;
}

struct stat_index *
index_load(int dirfd, const char *name)
{
	struct stat_index *x = index_new(dirfd, name);

	if (index_file_open(&x->old, dirfd, name))
		x->kept = mem_zalloc(x->old.n, sizeof(*x->kept));
	return x;
}

void
index_free(struct stat_index *x)
{
	if (!x)
		return;
	index_file_release(&x->old);
	index_window_release(&x->looking);
	index_window_release(&x->copying);
	index_writer_release(&x->new);
	buf_release(&x->last);
	free(x->kept);
	free(x->name);
	free(x);
}

static const char *
path_of(const char *record)
{
	return record + sizeof(struct index_record);
}

/*
 * Copies those kept that stand before path, or all, as if they were put.  One
 * of the same path is passed over.
 */
static void
copy_kept(struct stat_index *x, const char *path)
{
	for (; x->copied < x->old.n; x->copied++) {
		size_t len;
		const char *r = index_file_at(&x->old, &x->copying, x->copied,
			&len);
		int order = !r || !path ? -1 : path_compare(path_of(r), path);

		if (order > 0)
			break;
		if (r && order < 0 && x->kept[x->copied])
			index_writer_add(&x->new, r, len);
	}
}

/* What was put last goes out, and what stands before the next. */
static void
advance(struct stat_index *x, const char *path)
{
	if (!x->new.digest)
		index_writer_begin(&x->new, x->dirfd, x->name, x->begun);
	if (x->last.len)
		index_writer_add(&x->new, x->last.data, x->last.len);
	copy_kept(x, path);
}

int
index_save(struct stat_index *x, struct error *err)
{
	bool same = x->old.fd >= 0 && x->n_kept == x->old.n;

	if (!x->new.digest && same)
		return 0;
	advance(x, NULL);
	return index_writer_end(&x->new, x->name, err);
}

/* Whether a time is older than the moment, by more than its own grain. */
static bool
is_older(int64_t time, int64_t moment)
{
	return time < moment - (time % NS ? 0 : 2 * (int64_t)NS);
}

bool
index_is_settled(const struct stat *st, int64_t moment)
{
	return is_older(to_ns(&st->st_mtim), moment) &&
		is_older(to_ns(&st->st_ctim), moment);
}

void
index_let_pass(int64_t time)
{
	const struct timespec step = { 0, NS / 1000 };
	int i;

	/* No longer than a slow clock takes: it may be a time to come. */
	for (i = 0; i < 20 && time % NS && !is_older(time, index_moment()); i++)
		nanosleep(&step, NULL);
}

/* How record i stands to path; one that cannot be read is behind it. */
static int
compare(struct stat_index *x, size_t i, const char *path)
{
	size_t len;
	const char *r = index_file_at(&x->old, &x->looking, i, &len);

	return r ? path_compare(path_of(r), path) : 1;
}

/* The place of path among the old records, or their number. */
static size_t
find(struct stat_index *x, const char *path)
{
	size_t from = 0, to = x->old.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = compare(x, mid, path);

		if (c == 0)
			return mid;
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return x->old.n;
}

/* The same for who asks in order, which is seldom far from the one before. */
static size_t
find_next(struct stat_index *x, const char *path)
{
	size_t first = x->next, i;
	int order = -1;

	for (i = first; i < x->old.n && i < first + PASS_OVER; i++) {
		order = compare(x, i, path);
		if (order >= 0)
			break;
	}
	if (order == 0)
		return i;
	/* Whether path stands right in front of i, or else further on or back. */
	if ((order < 0 && i < x->old.n) ||
		(i == first && i > 0 && compare(x, i - 1, path) >= 0))
		return find(x, path);
	x->next = i;
	return x->old.n;
}

/* Gives the digest of record i, if it holds for *st. */
static bool
give(struct stat_index *x, size_t i, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	struct index_record r;
	const char *bytes;
	size_t len;

	if (i == x->old.n)
		return false;
	bytes = index_file_at(&x->old, &x->looking, i, &len);
	if (!bytes)
		return false;
	memcpy(&r, bytes, sizeof(r));
	if (r.stat.inode != st->st_ino || r.stat.size != st->st_size ||
		r.stat.mtime != to_ns(&st->st_mtim) ||
		r.stat.ctime != to_ns(&st->st_ctim))
		return false;
	if (!is_older(r.stat.mtime, x->old.moment) ||
		!is_older(r.stat.ctime, x->old.moment))
		return false;
	memcpy(digest, r.digest, DIGEST_SIZE);
	x->given = i;
	return true;
}

bool
index_get(struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	size_t i = find_next(x, path);

	if (i < x->old.n)
		x->next = i + 1;
	return give(x, i, st, digest);
}

bool
index_keep(struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	if (!index_get(x, path, st, digest))
		return false;
	x->n_kept += !x->kept[x->given];
	x->kept[x->given] = true;
	return true;
}

size_t
index_count(const struct stat_index *x)
{
	return x->old.n;
}

const char *
index_path(struct stat_index *x, size_t i)
{
	size_t len;
	const char *r = index_file_at(&x->old, &x->copying, i, &len);

	return r ? path_of(r) : NULL;
}

const char *
index_path_digest(struct stat_index *x, size_t i,
	uint8_t digest[static DIGEST_SIZE])
{
	size_t len;
	const char *r = index_file_at(&x->old, &x->copying, i, &len);

	if (!r)
		return NULL;
	memcpy(digest, r + offsetof(struct index_record, digest), DIGEST_SIZE);
	return path_of(r);
}

void
index_put_stat(struct stat_index *x, const char *path,
	const struct index_stat *st, const uint8_t digest[static DIGEST_SIZE])
{
	struct index_record r = { .stat = *st };
	const uint32_t chunks = 0;

	assert(!x->last.len || path_compare(path_of(x->last.data), path) < 0);
	advance(x, path);
	memcpy(r.digest, digest, DIGEST_SIZE);
	buf_clear(&x->last);
	buf_add(&x->last, &r, sizeof(r));
	buf_add(&x->last, path, strlen(path) + 1);
	if (st->size > CHUNK_FILE)
		buf_add(&x->last, &chunks, sizeof(chunks));
}

struct index_stat
index_stat_of(const struct stat *st)
{
	return (struct index_stat){ .inode = st->st_ino,
		.size = st->st_size,
		.mtime = to_ns(&st->st_mtim),
		.ctime = to_ns(&st->st_ctim) };
}

void
index_put(struct stat_index *x, const char *path, const struct stat *st,
	const uint8_t digest[static DIGEST_SIZE])
{
	const struct index_stat s = index_stat_of(st);

	index_put_stat(x, path, &s, digest);
}

const struct chunks *
index_chunks(struct stat_index *x, struct arena *to)
{
	size_t len;
	const char *r = index_file_at(&x->old, &x->looking, x->given, &len);
	struct chunks *c;
	uint32_t n;

	if (!r)
		return NULL;
	r = path_of(r) + strlen(path_of(r)) + 1;
	memcpy(&n, r, sizeof(n));
	if (!n)
		return NULL;
	c = arena_alloc(to, sizeof(*c) + n * sizeof(*c->v));
	c->n = n;
	memcpy(c->v, r + sizeof(n), n * sizeof(*c->v));
	return c;
}

void
index_put_chunks(struct stat_index *x, const struct chunks *c)
{
	struct buf *last = &x->last;

	/* They come behind their number, which was put as none. */
	memcpy(last->data + last->len - sizeof(c->n), &c->n, sizeof(c->n));
	buf_add(last, c->v, c->n * sizeof(*c->v));
}
