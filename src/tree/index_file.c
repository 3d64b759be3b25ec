#include "tree/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/path.h"
#include "tree/chunk.h"

#define MAGIC "deploy-index 2\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define HEAD_LEN (MAGIC_LEN + sizeof(int64_t))
#define INDEX_MOST (1024 * 1024 * 1024)
#define PIECE 65536

/* The length of the record that data begins with; 0: it is not all there. */
static size_t
record_length(const char *data, size_t len)
{
	struct index_record r;
	uint32_t chunks;
	const char *nul;
	size_t at;

	if (len <= sizeof(r))
		return 0;
	memcpy(&r, data, sizeof(r));
	nul = memchr(data + sizeof(r), '\0', len - sizeof(r));
	if (!nul)
		return 0;
	at = (size_t)(nul + 1 - data);
	if (r.stat.size <= CHUNK_FILE)
		return at;
	if (len - at < sizeof(chunks))
		return 0;
	memcpy(&chunks, data + at, sizeof(chunks));
	at += sizeof(chunks);
	if (chunks > (len - at) / sizeof(struct chunk))
		return 0;
	return at + chunks * sizeof(struct chunk);
}

static void
note_offset(struct index_file *f, size_t n, uint32_t offset)
{
	MEM_GROW(f->v, n, f->cap);
	f->v[n] = offset;
}

/* Takes the whole records off the front of bytes, which begin at *at. */
static bool
take_records(struct index_file *f, struct buf *bytes, uint32_t *at,
	struct buf *last)
{
	size_t len;

	while ((len = record_length(buf_str(bytes), bytes->len))) {
		const char *path = bytes->data + sizeof(struct index_record);

		if (f->n && path_compare(last->data, path) >= 0)
			return false;
		buf_clear(last);
		buf_addstr(last, path);
		note_offset(f, f->n++, *at);
		*at += (uint32_t)len;
		buf_consume(bytes, len);
	}
	return true;
}

/* All records, which end at `end`, and their digest. */
static bool
read_records(struct index_file *f, uint32_t end, struct digest *d)
{
	struct buf bytes = BUF_INIT, last = BUF_INIT;
	uint32_t at = HEAD_LEN, got = HEAD_LEN;
	bool good = true;

	while (good && got < end) {
		size_t want = end - got < PIECE ? end - got : PIECE;
		char *to = buf_reserve(&bytes, want);
		ssize_t n = pread(f->fd, to, want, got);

		if (n <= 0)
			break;
		digest_update(d, to, (size_t)n);
		bytes.len += (size_t)n;
		got += (uint32_t)n;
		good = take_records(f, &bytes, &at, &last);
	}
	note_offset(f, f->n, at);
	buf_release(&bytes);
	buf_release(&last);
	return good && at == end;
}

static bool
verify(struct index_file *f)
{
	uint8_t want[DIGEST_SIZE], digest[DIGEST_SIZE];
	struct digest *d;
	char head[HEAD_LEN];
	struct stat st;
	uint32_t end;
	bool good;

	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size < (off_t)HEAD_LEN + DIGEST_SIZE ||
		st.st_size > INDEX_MOST)
		return false;
	end = (uint32_t)st.st_size - DIGEST_SIZE;
	if (pread(f->fd, head, HEAD_LEN, 0) != (ssize_t)HEAD_LEN ||
		memcmp(head, MAGIC, MAGIC_LEN) != 0 ||
		pread(f->fd, want, DIGEST_SIZE, end) != DIGEST_SIZE)
		return false;
	memcpy(&f->moment, head + MAGIC_LEN, sizeof(f->moment));
	d = digest_new();
	digest_update(d, head, HEAD_LEN);
	good = read_records(f, end, d);
	digest_final(d, digest);
	digest_free(d);
	return good && !memcmp(digest, want, DIGEST_SIZE);
}

bool
index_file_open(struct index_file *f, int dirfd, const char *name)
{
	memset(f, 0, sizeof(*f));
	f->fd = beneath_open_file(dirfd, name);
	if (f->fd >= 0 && verify(f))
		return true;
	index_file_release(f);
	return false;
}

void
index_file_release(struct index_file *f)
{
	io_close(&f->fd);
	free(f->v);
	f->v = NULL;
	f->n = f->cap = 0;
}

void
index_window_release(struct index_window *w)
{
	buf_release(&w->bytes);
}

/* Fills the window from `at` on with at least len bytes, if they are there. */
static void
fill(const struct index_file *f, struct index_window *w, uint32_t at,
	size_t len, bool ahead)
{
	size_t want = ahead && len < PIECE ? PIECE : len;
	ssize_t n;

	buf_clear(&w->bytes);
	w->at = at;
	n = pread(f->fd, buf_reserve(&w->bytes, want), want, at);
	w->bytes.len = n < 0 ? 0 : (size_t)n;
}

const char *
index_file_at(const struct index_file *f, struct index_window *w, size_t i,
	size_t *len)
{
	uint32_t at = f->v[i];
	bool ahead = i == w->next;

	*len = f->v[i + 1] - at;
	w->next = i + 1;
	if (at < w->at || at - w->at + *len > w->bytes.len)
		fill(f, w, at, *len, ahead);
	if (at - w->at + *len > w->bytes.len)
		return NULL;
	return w->bytes.data + (at - w->at);
}

static void
fail(struct index_writer *w)
{
	if (!w->error)
		w->error = errno;
}

static void
flush(struct index_writer *w)
{
	digest_update(w->digest, w->piece.data, w->piece.len);
	if (!w->error &&
		replace_write(&w->file, w->piece.data, w->piece.len) < 0)
		fail(w);
	w->size += w->piece.len;
	buf_clear(&w->piece);
}

void
index_writer_begin(struct index_writer *w, int dirfd, const char *name,
	int64_t moment)
{
	struct error ignored = ERROR_INIT;

	w->digest = digest_new();
	if (replace_begin(&w->file, dirfd, name, 0600, &ignored) < 0)
		fail(w);
	index_writer_add(w, MAGIC, MAGIC_LEN);
	index_writer_add(w, &moment, sizeof(moment));
}

void
index_writer_add(struct index_writer *w, const void *data, size_t len)
{
	buf_add(&w->piece, data, len);
	if (w->piece.len >= PIECE)
		flush(w);
}

int
index_writer_end(struct index_writer *w, const char *name, struct error *err)
{
	uint8_t digest[DIGEST_SIZE];
	int rc, saved;

	flush(w);
	digest_final(w->digest, digest);
	errno = EFBIG;
	if (w->size > INDEX_MOST - DIGEST_SIZE) /* it would not be read */
		fail(w);
	if (!w->error && replace_write(&w->file, digest, DIGEST_SIZE) < 0)
		fail(w);
	errno = w->error;
	if (errno) {
		rc = error_errno(err, "cannot write %s", name);
	} else {
		rc = replace_end(&w->file, name, REPLACE_FAST, err);
		digest_free(w->digest);
		w->digest = NULL;
	}
	saved = errno;
	index_writer_release(w);
	errno = saved;
	return rc;
}

void
index_writer_release(struct index_writer *w)
{
	if (w->digest)
		replace_abandon(&w->file);
	digest_free(w->digest);
	w->digest = NULL;
	buf_release(&w->piece);
}
