#include "tree/index.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/replace.h"
#include "tree/chunk.h"

#define MAGIC "deploy-index 2\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define HEAD_LEN (MAGIC_LEN + sizeof(int64_t))
#define INDEX_MOST (1024 * 1024 * 1024)
#define NS 1000000000
#define WRITE_SIZE 65536

/* What stands before a path in the file; there it is not aligned. */
struct record {
	struct index_stat stat;
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
	bool *kept; /* which of those loaded */
	size_t n_kept;
	size_t next;    /* of those loaded: likely the next to be asked for */
	bool from_file; /* it read well */
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
	free(x->kept);
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

/* Where the record at `at` ends, 0 if that is not within len. */
static size_t
end_of_record(const char *text, size_t at, size_t len)
{
	struct record r;
	uint32_t chunks;
	const char *nul;

	if (len - at <= sizeof(r))
		return 0;
	memcpy(&r, text + at, sizeof(r));
	at += sizeof(r);
	nul = memchr(text + at, '\0', len - at);
	if (!nul)
		return 0;
	at = (size_t)(nul + 1 - text);
	if (r.stat.size <= CHUNK_FILE)
		return at;
	if (len - at < sizeof(chunks))
		return 0;
	memcpy(&chunks, text + at, sizeof(chunks));
	at += sizeof(chunks);
	if (chunks > (len - at) / sizeof(struct chunk))
		return 0;
	return at + chunks * sizeof(struct chunk);
}

static bool
parse(struct records *r)
{
	size_t at = HEAD_LEN, len = r->text.len;

	while (at < len) {
		size_t end = end_of_record(r->text.data, at, len);

		if (!end)
			return false;
		note_offset(r, at);
		at = end;
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
	x->kept = mem_zalloc(r->n, sizeof(*x->kept));
	x->from_file = true;
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

/* Puts them in order, of each path the last. */
static void
sort(struct records *r)
{
	size_t i, n = 0;

	if (r->sorted)
		return;
	qsort_r(r->v, r->n, sizeof(*r->v), compare_offsets, r->text.data);
	for (i = 0; i < r->n; i++)
		if (i + 1 == r->n || strcmp(path_at(r, i), path_at(r, i + 1)))
			r->v[n++] = r->v[i];
	r->n = n;
	r->sorted = true;
}

/* A file that is written and hashed in large pieces. */
struct writer {
	struct replace file;
	struct digest *digest;
	struct buf piece;
	bool failed;
};

static void
flush(struct writer *w)
{
	digest_update(w->digest, w->piece.data, w->piece.len);
	if (replace_write(&w->file, w->piece.data, w->piece.len) < 0)
		w->failed = true;
	buf_clear(&w->piece);
}

static void
write_bytes(struct writer *w, const void *data, size_t len)
{
	buf_add(&w->piece, data, len);
	if (w->piece.len >= WRITE_SIZE)
		flush(w);
}

static void
write_record(struct writer *w, const struct records *r, size_t i)
{
	size_t at = r->v[i];

	write_bytes(w, r->text.data + at,
		end_of_record(r->text.data, at, r->text.len) - at);
}

/* What was kept and what was put, which counts more, in order. */
static void
write_records(struct writer *w, const struct stat_index *x)
{
	size_t i = 0, j = 0;

	while (i < x->loaded.n || j < x->put.n) {
		int order = i == x->loaded.n ? 1 :
			j == x->put.n        ? -1 :
					path_compare(path_at(&x->loaded, i),
						path_at(&x->put, j));

		if (order < 0 && x->kept[i])
			write_record(w, &x->loaded, i);
		else if (order >= 0)
			write_record(w, &x->put, j);
		i += order <= 0;
		j += order >= 0;
	}
}

static int
write_index(struct writer *w, const struct stat_index *x, const char *name,
	struct error *err)
{
	uint8_t digest[DIGEST_SIZE];

	write_bytes(w, MAGIC, MAGIC_LEN);
	write_bytes(w, &x->begun, sizeof(x->begun));
	write_records(w, x);
	flush(w);
	digest_final(w->digest, digest);
	if (!w->failed && replace_write(&w->file, digest, DIGEST_SIZE) == 0)
		return replace_end(&w->file, name, REPLACE_FAST, err);
	error_errno(err, "cannot write %s", name);
	replace_abandon(&w->file);
	return -1;
}

int
index_save(struct stat_index *x, int dirfd, const char *name, struct error *err)
{
	struct writer w = { .piece = BUF_INIT };
	int rc;

	if (x->from_file && !x->put.n && x->n_kept == x->loaded.n)
		return 0;
	sort(&x->put);
	if (replace_begin(&w.file, dirfd, name, 0600, err) < 0)
		return -1;
	w.digest = digest_new();
	rc = write_index(&w, x, name, err);
	digest_free(w.digest);
	buf_release(&w.piece);
	return rc;
}

/* Whether a time is older than the moment, by more than its own grain. */
static bool
is_older(int64_t time, int64_t moment)
{
	return time < moment - (time % NS ? 0 : 2 * (int64_t)NS);
}

void
index_let_pass(int64_t time)
{
	const struct timespec step = { 0, NS / 1000 };
	int i;

	/* No longer than a slow clock takes: it may be a time to come. */
	for (i = 0; i < 20 && time % NS && !is_older(time, tick_ns()); i++)
		nanosleep(&step, NULL);
}

/* The place of path, or r->n. */
static size_t
find(const struct records *r, const char *path)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = path_compare(path_at(r, mid), path);

		if (c == 0)
			return mid;
		if (c < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return r->n;
}

/* Gives the digest of place i, if it holds for *st. */
static bool
use(const struct stat_index *x, size_t i, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	struct record r;

	if (i == x->loaded.n)
		return false;
	memcpy(&r, x->loaded.text.data + x->loaded.v[i], sizeof(r));
	if (r.stat.inode != st->st_ino || r.stat.size != st->st_size ||
		r.stat.mtime != to_ns(&st->st_mtim) ||
		r.stat.ctime != to_ns(&st->st_ctim))
		return false;
	if (!is_older(r.stat.mtime, x->moment) ||
		!is_older(r.stat.ctime, x->moment))
		return false;
	memcpy(digest, r.digest, DIGEST_SIZE);
	return true;
}

bool
index_get(const struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	return use(x, find(&x->loaded, path), st, digest);
}

bool
index_keep(struct stat_index *x, const char *path, const struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	size_t i = x->next;

	if (i >= x->loaded.n || strcmp(path_at(&x->loaded, i), path))
		i = find(&x->loaded, path);
	if (i < x->loaded.n)
		x->next = i + 1;
	if (!use(x, i, st, digest))
		return false;
	x->n_kept += !x->kept[i];
	x->kept[i] = true;
	return true;
}

const char *
index_path(const struct stat_index *x, size_t i)
{
	return i < x->loaded.n ? path_at(&x->loaded, i) : NULL;
}

void
index_put_stat(struct stat_index *x, const char *path,
	const struct index_stat *st, const uint8_t digest[static DIGEST_SIZE])
{
	struct records *r = &x->put;
	struct record e = { .stat = *st };
	const uint32_t chunks = 0;
	size_t offset = r->text.len;

	if (offset > INDEX_MOST)
		return; /* it would not be read */
	memcpy(e.digest, digest, DIGEST_SIZE);
	buf_add(&r->text, &e, sizeof(e));
	buf_add(&r->text, path, strlen(path) + 1);
	if (st->size > CHUNK_FILE)
		buf_add(&r->text, &chunks, sizeof(chunks));
	note_offset(r, offset);
}

void
index_put(struct stat_index *x, const char *path, const struct stat *st,
	const uint8_t digest[static DIGEST_SIZE])
{
	const struct index_stat s = { .inode = st->st_ino,
		.size = st->st_size,
		.mtime = to_ns(&st->st_mtim),
		.ctime = to_ns(&st->st_ctim) };

	index_put_stat(x, path, &s, digest);
}

/* The chunks of a record of a large file: their number and what they are. */
static const char *
chunks_at(const struct records *r, size_t i, uint32_t *n)
{
	const char *path = path_at(r, i), *at = path + strlen(path) + 1;

	memcpy(n, at, sizeof(*n));
	return at + sizeof(*n);
}

const struct chunks *
index_chunks(const struct stat_index *x, const char *path, struct arena *to)
{
	size_t i = find(&x->loaded, path);
	struct chunks *c;
	uint32_t n;
	const char *v;

	if (i == x->loaded.n)
		return NULL;
	v = chunks_at(&x->loaded, i, &n);
	if (!n)
		return NULL;
	c = arena_alloc(to, sizeof(*c) + n * sizeof(*c->v));
	c->n = n;
	memcpy(c->v, v, n * sizeof(*c->v));
	return c;
}

void
index_put_chunks(struct stat_index *x, const struct chunks *c)
{
	struct buf *text = &x->put.text;

	if (text->len > INDEX_MOST)
		return;
	/* They come behind their number, which was put as none. */
	memcpy(text->data + text->len - sizeof(c->n), &c->n, sizeof(c->n));
	buf_add(text, c->v, c->n * sizeof(*c->v));
}
