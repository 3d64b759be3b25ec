#include "tree/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/zstream.h"
#include "tree/scan.h"
#include "tree/wanted.h"

#define STEP_SIZE (128 * 1024)
/* Little is asked for: what it costs to compress does not count. */
#define PACK_LEVEL 3
/* Above that threads compress. */
#define LITTLE (1024 * 1024)
/* An effort above this one is not for what does not gain from it. */
#define CHEAP_EFFORT 1
#define SAMPLE_SIZE (1024 * 1024)
#define PROBE_SIZE (64 * 1024)
/* A run of less is not worth a change. */
#define DENSE_RUN (256 * 1024)

/* What was asked for. */
struct asked {
	uint32_t line;
	bool again; /* to be hashed first */
};

/* An entry before it was amended. */
struct amended {
	size_t place;
	struct entry was;
};

struct pack {
	struct source *source;
	struct manifest *m;
	struct pack_options options;
	struct archive *tar;
	struct archive_entry *header;
	struct zout *z;
	struct digest *digest;
	struct buf raw;      /* tar bytes on their way to zstd */
	struct asked *queue; /* those before `next` are done */
	size_t n, cap, next;
	uint64_t asked; /* bytes */
	bool many;      /* so many that z has threads */
	uint8_t *tries; /* by line of m */
	bool *instead;  /* by place in m: sent whole in place of a chunk */
	struct amended *amended;
	size_t n_amended, cap_amended;
	uint64_t done;
	struct effort effort;
	struct effort_sample sample;
	int64_t sampled;         /* when the last one ended */
	uint64_t sample_raw;     /* tar bytes of this one */
	uint64_t dense;          /* file bytes in a row that gain nothing */
	bool is_dense;           /* the file under way gains nothing */
	bool begun;              /* something went into z */
	bool dirty;              /* the compressor holds bytes back */
	bool over;               /* libarchive's trailer goes nowhere */
	struct source_file file; /* the one under way */
	uint64_t left;           /* of a large one, or 0 */
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
pack_new(struct source *source, struct manifest *m,
	const struct pack_options *o)
{
	struct pack *p = mem_zalloc(1, sizeof(*p));

	p->source = source;
	p->m = m;
	p->options = *o;
	effort_init(&p->effort, o->threads);
	p->file.fd = -1;
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
	source_close(&p->file);
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

static void
ask(struct pack *p, uint32_t line, bool again)
{
	struct wanted w;

	MEM_GROW(p->queue, p->n, p->cap);
	p->queue[p->n++] = (struct asked){ line, again };
	if (wanted_find(&w, p->m, line) == 0)
		p->asked += w.size;
}

void
pack_ask_line(struct pack *p, uint32_t line)
{
	ask(p, line, false);
}

void
pack_ask(struct pack *p, size_t entry)
{
	ask(p, p->m->v[entry].line, false);
}

void
pack_again(struct pack *p, uint32_t line)
{
	ask(p, line, true);
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

static void
amend(struct pack *p, struct entry *e, const struct entry *now)
{
	if (p->options.mutex)
		pthread_mutex_lock(p->options.mutex);
	*e = *now;
	if (p->options.mutex)
		pthread_mutex_unlock(p->options.mutex);
}

/* Refreshes an entry from the file, counting the tries. */
static int
refresh(struct pack *p, struct entry *e, struct error *err)
{
	struct entry now = *e;

	if (p->source->dirfd < 0)
		return error_set(err, "%s: the archive's bytes changed",
			e->path);
	if (count_try(p, e, e->line, err) < 0)
		return -1;
	MEM_GROW(p->amended, p->n_amended, p->cap_amended);
	p->amended[p->n_amended++] = (struct amended){ (size_t)(e - p->m->v),
		*e };
	if (scan_file(p->source->dirfd, p->source->exact_modes, &now, err) < 0)
		return -1;
	amend(p, e, &now);
	return 0;
}

void
pack_undo(struct pack *p)
{
	while (p->n_amended) {
		const struct amended *a = &p->amended[--p->n_amended];

		p->m->v[a->place] = a->was;
	}
}

/* What did not verify: 0, 1 amended, -1. */
static int
prepare_again(struct pack *p, struct asked *a, const struct wanted *w,
	struct error *err)
{
	a->again = false;
	if (w->part || w->instead)
		return count_try(p, w->e, a->line, err);
	return refresh(p, w->e, err) < 0 ? -1 : 1;
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
	p->is_dense = false;
	return 0;
}

/* Whether a file gains from an effort, by its first bytes. */
static void
probe(struct pack *p, const char *data, size_t len)
{
	if (len > PROBE_SIZE)
		len = PROBE_SIZE;
	p->is_dense = p->effort.now > CHEAP_EFFORT && len > PROBE_SIZE / 8 &&
		!zout_gains(data, len);
}

static int
write_data(struct pack *p, const struct entry *e, const char *data, size_t len,
	struct error *err)
{
	if (len && archive_write_data(p->tar, data, len) != (la_ssize_t)len)
		return tar_error(p, e, err);
	p->done += len;
	p->dense = p->is_dense ? p->dense + len : 0;
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

/* Whether the bytes read are those wanted. */
static bool
is_right(struct pack *p, const struct wanted *w, size_t n)
{
	uint8_t digest[DIGEST_SIZE];

	digest_update(p->digest, p->chunk, n);
	digest_final(p->digest, digest);
	return !memcmp(digest, w->digest, DIGEST_SIZE);
}

/*
 * A chunk, or a file that fits in memory: 0 sent, 1 changed, -1.  One that has
 * not changed since it was hashed is right; should it not be, the server sees
 * it, and then it is hashed.
 */
static int
send_whole(struct pack *p, const struct wanted *w, struct error *err)
{
	struct entry *e = w->e;
	/*
	 * One byte more than there should be shows a file that grew; in a
	 * spool the next file follows, in a file the next chunk.
	 */
	size_t more = p->source->dirfd >= 0 && !w->part;
	ssize_t n = source_read(&p->file, p->chunk, w->size + more);
	bool settled;

	if (n < 0)
		return error_errno(err, "cannot read %s", e->path);
	settled = p->file.settled && !p->tries[p->queue[p->next].line];
	if ((uint64_t)n != w->size || (!settled && !is_right(p, w, (size_t)n)))
		return refresh(p, e, err) < 0 ? -1 : 1;
	if (write_header(p, e, w->size, err) < 0)
		return -1;
	probe(p, p->chunk, w->size);
	if (write_data(p, e, p->chunk, w->size, err) < 0)
		return -1;
	return end_file(p, w, err);
}

/* Begins a large file: 0 begun, 1 changed, -1. */
static int
begin_large(struct pack *p, struct entry *e, struct error *err)
{
	if (p->file.size != e->size)
		return refresh(p, e, err) < 0 ? -1 : 1;
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
	ssize_t n = source_read(&p->file, p->chunk, want);

	if (n < 0)
		return error_errno(err, "cannot read %s", e->path);
	if ((size_t)n < want)
		return error_set(err, "%s shrank while it was sent", e->path);
	if (p->left == e->size)
		probe(p, p->chunk, want);
	if (write_data(p, e, p->chunk, want, err) < 0)
		return -1;
	p->left -= want;
	if (p->left)
		return 0;
	source_close(&p->file);
	return end_file(p, w, err);
}

/* Opens the next file: 0 sent, begun or passed over, 1 changed, -1. */
static int
begin_file(struct pack *p, const struct wanted *w, struct error *err)
{
	struct entry *e = w->e;
	int rc;

	if (w->instead && p->instead[e - p->m->v]) {
		p->next++;
		return 0;
	}
	if (source_open(p->source, p->m, e, w->offset, &p->file, err) < 0)
		return -1;
	rc = w->size > PACK_WHOLE ? begin_large(p, e, err) :
				    send_whole(p, w, err);
	if (!p->left)
		source_close(&p->file);
	return rc;
}

/* From here on threads compress, in a frame of their own. */
static void
change_over(struct pack *p, struct buf *out)
{
	if (p->begun)
		zout_write(p->z, NULL, 0, ZFLUSH_END, out);
	zout_free(p->z);
	p->z = zout_new_threads(p->options.threads);
	p->many = true;
	p->sampled = io_now_us();
}

static void
compress(struct pack *p, enum zflush flush, struct buf *out)
{
	size_t before = out->len;
	int64_t began = io_now_us();

	if (!p->many && p->options.threads && p->asked > LITTLE)
		change_over(p, out);
	if (p->many)
		zout_effort(p->z, p->dense < DENSE_RUN ? p->effort.now : 0);
	zout_write(p->z, p->raw.data, p->raw.len, flush, out);
	p->begun = true;
	p->dirty = flush == ZFLUSH_NO;
	p->sample_raw += p->raw.len;
	p->sample.packed += out->len - before;
	p->sample.compressed += io_now_us() - began;
	buf_clear(&p->raw);
}

void
pack_adapt(struct pack *p, const struct pack_waits *w)
{
	int64_t now;

	p->sample.waited += w->room;
	p->sample.link += w->link;
	p->sample.starved += w->starved;
	if (!p->many || p->sample_raw < SAMPLE_SIZE)
		return;
	now = io_now_us();
	p->sample.us = now - p->sampled;
	if (p->dense < DENSE_RUN)
		effort_sample(&p->effort, &p->sample);
	memset(&p->sample, 0, sizeof(p->sample));
	p->sample_raw = 0;
	p->sampled = now;
}

const struct effort *
pack_effort(const struct pack *p)
{
	return &p->effort;
}

static void
flush(struct pack *p, struct buf *out)
{
	if (p->raw.len || p->dirty)
		compress(p, ZFLUSH_NOW, out);
}

enum pack_step
pack_step(struct pack *p, struct buf *out, const struct entry **amended,
	struct error *err)
{
	while (p->next < p->n && p->raw.len < STEP_SIZE) {
		struct asked *a = &p->queue[p->next];
		struct wanted w;
		int rc = wanted_find(&w, p->m, a->line);

		assert(rc == 0);
		if (p->left)
			rc = continue_large(p, &w, err);
		else if (a->again)
			rc = prepare_again(p, a, &w, err);
		else
			rc = begin_file(p, &w, err);
		if (rc < 0)
			return PACK_ERROR;
		if (rc > 0) {
			/* What is packed already is of the entry as it was. */
			flush(p, out);
			*amended = w.e;
			return PACK_AMENDED;
		}
	}
	if (p->next < p->n) {
		compress(p, ZFLUSH_NO, out);
		return PACK_MORE;
	}
	flush(p, out);
	return PACK_IDLE;
}
