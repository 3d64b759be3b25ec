#include "tree/index.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/replace.h"

#define MAGIC "deploy-index 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define HEAD_LEN (MAGIC_LEN + sizeof(int64_t))
#define INDEX_MOST (1024 * 1024 * 1024)
#define NS 1000000000

/* What stands before a path in the file; there it is not aligned. */
struct record {
	uint64_t inode;
	int64_t size, mtime, ctime;
	uint8_t digest[DIGEST_SIZE];
};

/* Records one behind the other, and where each begins. */
struct records {
	struct buf text;
	uint32_t *v;
	size_t n, cap;
	bool sorted;
};

struct stat_index {
	struct records loaded, put;
	int64_t moment; /* of what was loaded */
	int64_t begun;  /* of what is put */
};

/*
 * The clock that file systems stamp with, which runs in ticks: what changes
 * from now on gets this time or a later one.
 */
static int64_t
tick_ns(void)
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

static const char *
path_at(const struct records *r, size_t i)
{
	return r->text.data + r->v[i] + sizeof(struct record);
}

static void
note_offset(struct records *r, size_t offset)
{
	MEM_GROW(r->v, r->n, r->cap);
	r->v[r->n++] = (uint32_t)offset;
	if (r->n > 1 &&
		path_compare(path_at(r, r->n - 2), path_at(r, r->n - 1)) >= 0)
		r->sorted = false;
}

struct stat_index *
index_new(void)
{
	struct stat_index *x = mem_zalloc(1, sizeof(*x));

	x->loaded.sorted = x->put.sorted = true;
	x->begun = tick_ns();
	return x;
}

static void
records_release(struct records *r)
{
	buf_release(&r->text);
	free(r->v);
	memset(r, 0, sizeof(*r));
}

void
index_free(struct stat_index *x)
{
	if (!x)
		return;
	records_release(&x->loaded);
	records_release(&x->put);
	free(x);
}

/* Whether text is whole; takes the digest off its end. */
static bool
verify(struct buf *text)
{
	uint8_t digest[DIGEST_SIZE];

	if (text->len < HEAD_LEN + DIGEST_SIZE ||
		memcmp(text->data, MAGIC, MAGIC_LEN) != 0)
		return false;
	digest_bytes(text->data, text->len - DIGEST_SIZE, digest);
	if (memcmp(digest, text->data + text->len - DIGEST_SIZE, DIGEST_SIZE))
		return false;
	buf_truncate(text, text->len - DIGEST_SIZE);
	return true;
}

static bool
parse(struct records *r)
{
	size_t at = HEAD_LEN, len = r->text.len;

	while (at < len) {
		const char *nul;

		if (len - at <= sizeof(struct record))
			return false;
		nul = memchr(r->text.data + at + sizeof(struct record), '\0',
			len - at - sizeof(struct record));
		if (!nul)
			return false;
		note_offset(r, at);
		at = (size_t)(nul + 1 - r->text.data);
	}
	return r->sorted;
}

struct stat_index *
index_load(int dirfd, const char *name)
{
	struct stat_index *x = index_new();
	struct records *r = &x->loaded;
	struct error ignored = ERROR_INIT;

	if (io_read_file(dirfd, name, INDEX_MOST, &r->text, &ignored) < 0 ||
		!verify(&r->text) || !parse(r)) {
		records_release(r);
		return x;
	}
	memcpy(&x->moment, r->text.data + MAGIC_LEN, sizeof(x->moment));
	return x;
}

static int
compare_offsets(const void *a, const void *b, void *arg)
{
	const char *text = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = path_compare(text + x + sizeof(struct record),
		text + y + sizeof(struct record));

	return c ? c : (x > y) - (x < y);
}

static void
add_record(struct buf *out, const struct records *r, size_t i)
{
	const char *s = r->text.data + r->v[i];

	buf_add(out, s, sizeof(struct record) + strlen(path_at(r, i)) + 1);
}

/* The same records in order, the last of each path. */
static void
sort(struct records *r, struct buf *out)
{
	size_t i;

	qsort_r(r->v, r->n, sizeof(*r->v), compare_offsets, r->text.data);
	for (i = 0; i < r->n; i++)
		if (i + 1 == r->n || strcmp(path_at(r, i), path_at(r, i + 1)))
			add_record(out, r, i);
}

int
index_save(struct stat_index *x, int dirfd, const char *name, struct error *err)
{
	uint8_t digest[DIGEST_SIZE];
	struct buf out = BUF_INIT;
	int rc;

	buf_add(&out, MAGIC, MAGIC_LEN);
	buf_add(&out, &x->begun, sizeof(x->begun));
	if (!x->put.sorted)
		sort(&x->put, &out);
	else if (x->put.n)
		buf_add(&out, x->put.text.data, x->put.text.len);
	digest_bytes(out.data, out.len, digest);
	buf_add(&out, digest, DIGEST_SIZE);
	rc = replace_file(dirfd, name, out.data, out.len, 0600, REPLACE_FAST,
		err);
	buf_release(&out);
	return rc;
}

static bool
find(const struct records *r, const char *path, struct record *found)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = path_compare(path_at(r, mid), path);

		if (c == 0) {
			memcpy(found, r->text.data + r->v[mid], sizeof(*found));
			return true;
		}
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

/* Whether a time is older than the moment, by more than its own grain. */
static bool
is_older(int64_t time, int64_t moment)
{
	return time < moment - (time % NS ? 0 : 2 * (int64_t)NS);
}

bool
index_get(const struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	struct record r;

	if (!find(&x->loaded, path, &r))
		return false;
	if (r.inode != st->st_ino || r.size != st->st_size ||
		r.mtime != to_ns(&st->st_mtim) ||
		r.ctime != to_ns(&st->st_ctim))
		return false;
	if (!is_older(r.mtime, x->moment) || !is_older(r.ctime, x->moment))
		return false;
	memcpy(digest, r.digest, DIGEST_SIZE);
	return true;
}

void
index_put(struct stat_index *x, const char *path, const struct stat *st,
	const uint8_t digest[static DIGEST_SIZE])
{
	struct records *r = &x->put;
	struct record e = { .inode = st->st_ino,
		.size = st->st_size,
		.mtime = to_ns(&st->st_mtim),
		.ctime = to_ns(&st->st_ctim) };
	size_t offset = r->text.len;

	if (offset > INDEX_MOST)
		return; /* it would not be read */
	memcpy(e.digest, digest, DIGEST_SIZE);
	buf_add(&r->text, &e, sizeof(e));
	buf_add(&r->text, path, strlen(path) + 1);
	note_offset(r, offset);
}
