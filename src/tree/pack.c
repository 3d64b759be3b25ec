#include "tree/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/zstream.h"
#include "tree/scan.h"
#include "tree/wanted.h"

#define STEP_SIZE (128 * 1024)
/* Fast enough for a fast link; level 3 gains 2 % on text for twice the time. */
#define PACK_LEVEL 1

/* An entry before it was amended. */
struct amended {
	size_t place;
	struct entry was;
};

struct pack {
	struct source *source;
	struct manifest *m;
	struct archive *tar;
	struct archive_entry *header;
	struct zout *z;
	struct digest *digest;
	struct buf raw;  /* tar bytes on their way to zstd */
	uint32_t *queue; /* lines of m; those before `next` are done */
	size_t n, cap, next;
	uint8_t *tries; /* by line of m */
	bool *instead;  /* by place in m: sent whole in place of a chunk */
	struct amended *amended;
	size_t n_amended, cap_amended;
	uint64_t done;
	bool dirty;    /* the compressor holds bytes back */
	bool over;     /* libarchive's trailer goes nowhere */
	int fd;        /* of a large file under way, else -1 */
	uint64_t left; /* of it */
	char *chunk;
};

static la_ssize_t
take_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	struct pack *p = arg;

	if (p->over)
		return -1;
	buf_add(&p->raw, data, len);
	return (la_ssize_t)len;
}

struct pack *
pack_new(struct source *source, struct manifest *m)
{
	struct pack *p = mem_zalloc(1, sizeof(*p));

	p->source = source;
	p->m = m;
	p->fd = -1;
	p->z = zout_new(PACK_LEVEL);
	p->digest = digest_new();
	p->tries = mem_zalloc((size_t)m->lines + 1, sizeof(*p->tries));
	p->instead = mem_zalloc(m->n, sizeof(*p->instead));
	p->chunk = mem_alloc(PACK_WHOLE + 1);
	p->header = archive_entry_new();
	p->tar = archive_write_new();
	if (!p->header || !p->tar ||
		archive_write_set_format_pax_restricted(p->tar) != ARCHIVE_OK ||
		archive_write_set_options(p->tar, "hdrcharset=BINARY") !=
			ARCHIVE_OK ||
		archive_write_set_bytes_per_block(p->tar, 0) != ARCHIVE_OK ||
		archive_write_open(p->tar, p, NULL, take_bytes, NULL) !=
			ARCHIVE_OK)
		abort();
	return p;
}

void
pack_free(struct pack *p)
{
	if (!p)
		return;
	io_close(&p->fd);
	/*
	 * The stream has no trailer: the count of files ends it.  Not
	 * archive_write_fail(), after which libarchive leaks.
	 */
	p->over = true;
	archive_write_free(p->tar);
	archive_entry_free(p->header);
	zout_free(p->z);
	digest_free(p->digest);
	buf_release(&p->raw);
	free(p->queue);
	free(p->tries);
	free(p->instead);
	free(p->amended);
	free(p->chunk);
	free(p);
}

void
pack_ask_line(struct pack *p, uint32_t line)
{
	MEM_GROW(p->queue, p->n, p->cap);
	p->queue[p->n++] = line;
}

void
pack_ask(struct pack *p, size_t entry)
{
	pack_ask_line(p, p->m->v[entry].line);
}

uint64_t
pack_done(const struct pack *p)
{
	return p->done;
}

static int
count_try(struct pack *p, const struct entry *e, uint32_t line,
	struct error *err)
{
	if (++p->tries[line] <= PACK_TRIES)
		return 0;
	return error_set(err, "%s keeps changing while it is sent", e->path);
}

/* Refreshes an entry from the file, counting the tries. */
static int
refresh(struct pack *p, struct entry *e, struct error *err)
{
	if (p->source->dirfd < 0)
		return error_set(err, "%s: the archive's bytes changed",
			e->path);
	if (count_try(p, e, e->line, err) < 0)
		return -1;
	MEM_GROW(p->amended, p->n_amended, p->cap_amended);
	p->amended[p->n_amended++] = (struct amended){ (size_t)(e - p->m->v),
		*e };
	return scan_file(p->source->dirfd, p->source->exact_modes, e, err);
}

void
pack_undo(struct pack *p)
{
	while (p->n_amended) {
		const struct amended *a = &p->amended[--p->n_amended];

		p->m->v[a->place] = a->was;
	}
}

int
pack_again(struct pack *p, size_t entry, struct error *err)
{
	if (refresh(p, &p->m->v[entry], err) < 0)
		return -1;
	pack_ask(p, entry);
	return 0;
}

int
pack_again_chunk(struct pack *p, uint32_t line, struct error *err)
{
	uint32_t chunk;

	if (count_try(p, manifest_at(p->m, line, &chunk), line, err) < 0)
		return -1;
	pack_ask_line(p, line);
	return 0;
}

static int
tar_error(struct pack *p, const struct entry *e, struct error *err)
{
	return error_set(err, "cannot pack %s: %s", e->path,
		archive_error_string(p->tar));
}

static int
write_header(struct pack *p, const struct entry *e, uint64_t size,
	struct error *err)
{
	archive_entry_clear(p->header);
	archive_entry_copy_pathname(p->header, e->path);
	archive_entry_set_filetype(p->header, AE_IFREG);
	archive_entry_set_perm(p->header, e->mode);
	archive_entry_set_size(p->header, (la_int64_t)size);
	if (archive_write_header(p->tar, p->header) != ARCHIVE_OK)
		return tar_error(p, e, err);
	return 0;
}

static int
write_data(struct pack *p, const struct entry *e, const char *data, size_t len,
	struct error *err)
{
	if (len && archive_write_data(p->tar, data, len) != (la_ssize_t)len)
		return tar_error(p, e, err);
	p->done += len;
	return 0;
}

static int
end_file(struct pack *p, const struct wanted *w, struct error *err)
{
	if (archive_write_finish_entry(p->tar) != ARCHIVE_OK)
		return tar_error(p, w->e, err);
	if (w->instead)
		p->instead[w->e - p->m->v] = true;
	p->next++;
	return 0;
}

/* A chunk, or a file that fits in memory: 0 sent, 1 changed, -1. */
static int
send_whole(struct pack *p, const struct wanted *w, int fd, struct error *err)
{
	struct entry *e = w->e;
	uint8_t digest[DIGEST_SIZE];
	/*
	 * One byte more than there should be shows a file that grew; in a
	 * spool the next file follows, in a file the next chunk.
	 */
	size_t more = p->source->dirfd >= 0 && !w->part;
	ssize_t n = -1;

	if (!w->offset || lseek(fd, (off_t)w->offset, SEEK_CUR) >= 0)
		n = io_read_full(fd, p->chunk, w->size + more);
	if (n < 0)
		return error_errno(err, "cannot read %s", e->path);
	digest_update(p->digest, p->chunk, (size_t)n);
	digest_final(p->digest, digest);
	if ((uint64_t)n != w->size || memcmp(digest, w->digest, DIGEST_SIZE))
		return refresh(p, e, err) < 0 ? -1 : 1;
	if (write_header(p, e, w->size, err) < 0 ||
		write_data(p, e, p->chunk, w->size, err) < 0)
		return -1;
	return end_file(p, w, err);
}

/* Begins a large file: 0 begun, 1 changed, -1. */
static int
begin_large(struct pack *p, struct entry *e, int fd, struct error *err)
{
	struct stat st;

	if (p->source->dirfd >= 0) {
		if (fstat(fd, &st) < 0)
			return error_errno(err, "%s", e->path);
		if ((uint64_t)st.st_size != e->size)
			return refresh(p, e, err) < 0 ? -1 : 1;
	}
	if (write_header(p, e, e->size, err) < 0)
		return -1;
	p->left = e->size;
	return 0;
}

static int
continue_large(struct pack *p, const struct wanted *w, struct error *err)
{
	const struct entry *e = w->e;
	size_t want = p->left < STEP_SIZE ? (size_t)p->left : STEP_SIZE;
	ssize_t n = io_read_full(p->fd, p->chunk, want);

	if (n < 0)
		return error_errno(err, "cannot read %s", e->path);
	if ((size_t)n < want)
		return error_set(err, "%s shrank while it was sent", e->path);
	if (write_data(p, e, p->chunk, want, err) < 0)
		return -1;
	p->left -= want;
	if (p->left)
		return 0;
	io_close(&p->fd);
	return end_file(p, w, err);
}

/* Opens the next file: 0 sent, begun or passed over, 1 changed, -1. */
static int
begin_file(struct pack *p, const struct wanted *w, struct error *err)
{
	struct entry *e = w->e;
	int fd, rc;

	if (w->instead && p->instead[e - p->m->v]) {
		p->next++;
		return 0;
	}
	fd = source_open(p->source, p->m, e, err);
	if (fd < 0)
		return -1;
	if (w->size > PACK_WHOLE) {
		rc = begin_large(p, e, fd, err);
		if (rc == 0) {
			p->fd = fd;
			return 0;
		}
	} else {
		rc = send_whole(p, w, fd, err);
	}
	io_close(&fd);
	return rc;
}

static void
compress(struct pack *p, enum zflush flush, struct buf *out)
{
	zout_write(p->z, p->raw.data, p->raw.len, flush, out);
	p->dirty = flush == ZFLUSH_NO;
	buf_clear(&p->raw);
}

enum pack_step
pack_step(struct pack *p, struct buf *out, const struct entry **amended,
	struct error *err)
{
	while (p->next < p->n && p->raw.len < STEP_SIZE) {
		struct wanted w;
		int rc = wanted_find(&w, p->m, p->queue[p->next]);

		assert(rc == 0);
		rc = p->fd >= 0 ? continue_large(p, &w, err) :
				  begin_file(p, &w, err);
		if (rc < 0)
			return PACK_ERROR;
		if (rc > 0) {
			*amended = w.e;
			return PACK_AMENDED;
		}
	}
	if (p->next < p->n) {
		compress(p, ZFLUSH_NO, out);
		return PACK_MORE;
	}
	if (p->raw.len || p->dirty)
		compress(p, ZFLUSH_NOW, out);
	return PACK_IDLE;
}
