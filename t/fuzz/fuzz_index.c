/*
 * Any file as an index: the input lacks only the hash at its end.  What is read
 * ascends, a file whose stat data agree has the digest that stands there, and
 * what is kept is written as an index that reads the same.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "scratch.h"
#include "tree/chunk.h"
#include "tree/index.h"
#include "tree/index_file.h"
#include "tree/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_index(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT;
	uint8_t digest[DIGEST_SIZE];

	digest_bytes(data, size, digest);
	buf_add(&b, data, size);
	buf_add(&b, digest, sizeof(digest));
	scratch_write("index", b.data, b.len);
	buf_release(&b);
}

/* What lstat() would have to say for it to hold. */
static struct stat
stat_of(const struct index_record *r)
{
	struct stat st = { .st_ino = r->stat.inode, .st_size = r->stat.size };
	const int64_t ns = 1000000000;

	st.st_mtim.tv_sec = r->stat.mtime / ns;
	st.st_mtim.tv_nsec = r->stat.mtime % ns;
	st.st_ctim.tv_sec = r->stat.ctime / ns;
	st.st_ctim.tv_nsec = r->stat.ctime % ns;
	return st;
}

/* The record in the file itself. */
static void
record_at(const struct index_file *f, struct index_window *w, size_t i,
	struct index_record *r, char **path)
{
	size_t len;
	const char *bytes = index_file_at(f, w, i, &len);

	assert(bytes && len > sizeof(*r));
	memcpy(r, bytes, sizeof(*r));
	*path = mem_strdup(bytes + sizeof(*r));
}

static void
keep(struct stat_index *x, const struct index_file *f, struct index_window *w,
	size_t i)
{
	struct index_record r;
	struct arena arena = ARENA_INIT;
	uint8_t digest[DIGEST_SIZE];
	struct stat st, other;
	char *path;

	record_at(f, w, i, &r, &path);
	assert(!strcmp(index_path(x, i), path));
	st = other = stat_of(&r);
	other.st_ino++;
	assert(!index_get(x, path, &other, digest));
	if (index_keep(x, path, &st, digest)) {
		assert(!memcmp(digest, r.digest, DIGEST_SIZE));
		assert(r.stat.mtime < f->moment && r.stat.ctime < f->moment);
		if (st.st_size > CHUNK_FILE) {
			const struct chunks *c = index_chunks(x, &arena);

			assert(!c || c->n);
		}
	}
	arena_release(&arena);
	free(path);
}

/* What was written anew has the same records, as far as they were kept. */
static void
check_again(int dir, const struct index_file *f)
{
	struct index_window v = { .next = 0 }, w = { .next = 0 };
	struct index_file g;
	size_t i, at = 0, len, n;

	assert(index_file_open(&g, dir, "index") && g.n <= f->n);
	for (i = 0; i < g.n; i++) {
		const char *again = index_file_at(&g, &v, i, &len), *r;

		do {
			assert(at < f->n);
			r = index_file_at(f, &w, at++, &n);
			assert(r);
		} while (n != len || memcmp(r, again, n) != 0);
	}
	index_window_release(&v);
	index_window_release(&w);
	index_file_release(&g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir = -1;
	struct error err = ERROR_INIT;
	struct index_window w = { .next = 0 };
	struct index_file f;
	struct stat_index *x;
	size_t i;

	if (dir < 0)
		dir = open(scratch_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_index(data, size);
	x = index_load(dir, "index");
	if (!index_file_open(&f, dir, "index")) {
		assert(index_count(x) == 0);
		index_free(x);
		return 0;
	}
	assert(index_count(x) == f.n);
	for (i = 0; i < f.n; i++)
		keep(x, &f, &w, i);
	assert(index_save(x, &err) == 0);
	check_again(dir, &f);
	index_free(x);
	index_window_release(&w);
	index_file_release(&f);
	return 0;
}
