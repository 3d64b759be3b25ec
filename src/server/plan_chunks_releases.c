/*
 * Which chunks other releases hold, newest first, by the c lines of their
 * manifests.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/path.h"
#include "server/plan_chunks.h"
#include "server/plan_parts.h"
#include "tree/index.h"

/* The file whose c lines are read. */
struct old_file {
	const char *line; /* its f line */
	size_t len;
	uint64_t offset;  /* of the chunk that comes next */
	bool tried;       /* to open it */
	int fd;           /* or -1 */
	bool vouched;     /* by the index: its chunks are not hashed again */
	const char *path; /* the plan's */
};

struct holder {
	struct plan_search *x;
	struct plan_pieces *t;
	const char *id; /* the plan's */
	struct beneath at;
	struct stat_index *index; /* loaded when first needed */
	struct old_file file;
	char *buffer;
};

/* Whether the index knows the file as what its line says. */
static bool
is_vouched(struct holder *h, const struct entry *e, const struct stat *st)
{
	uint8_t digest[DIGEST_SIZE];
	char name[64];

	if (h->x->o->chunks != CHUNKS_VOUCHED)
		return false;
	if (!h->index) {
		snprintf(name, sizeof(name), "records/%s.index", h->id);
		h->index = index_load(h->x->s->own, name);
	}
	return index_get(h->index, e->path, st, digest) &&
		!memcmp(digest, e->digest, DIGEST_SIZE);
}

/* Opens the file of the f line, once. */
static bool
open_old(struct holder *h)
{
	struct old_file *f = &h->file;
	struct manifest strings = MANIFEST_INIT;
	struct error ignored = ERROR_INIT;
	const char *leaf;
	struct stat st;
	struct entry e;
	int dir;

	if (f->tried)
		return f->fd >= 0;
	f->tried = true;
	if (manifest_parse_entry(&strings, f->line, f->len, &e, &ignored) ==
			0 &&
		(dir = beneath_at(&h->at, e.path, &leaf)) >= 0)
		f->fd = openat(dir, leaf,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
	if (f->fd >= 0 && (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)))
		io_close(&f->fd);
	if (f->fd >= 0) {
		f->vouched = is_vouched(h, &e, &st);
		f->path = arena_strndup(&h->x->p->arena, e.path,
			strlen(e.path));
	}
	manifest_release(&strings);
	return f->fd >= 0;
}

/* Whether the bytes of a chunk are what they should be. */
static bool
is_there(struct holder *h, const struct piece *p)
{
	uint8_t digest[DIGEST_SIZE];
	ssize_t n;

	if (h->file.vouched)
		return true;
	n = io_pread_full(h->file.fd, h->buffer, p->length, h->file.offset);
	if (n < 0 || (size_t)n != p->length)
		return false;
	digest_bytes(h->buffer, p->length, digest);
	return !memcmp(digest, p->digest, DIGEST_SIZE);
}

/* "c TAB length TAB hex"; 0 ends the reading of the file's chunks. */
static uint64_t
parse_chunk(const char *line, size_t len, uint8_t digest[static DIGEST_SIZE])
{
	uint64_t length = 0;
	size_t i;

	for (i = 2; i < len && line[i] >= '0' && line[i] <= '9' && i < 10; i++)
		length = 10 * length + (uint64_t)(line[i] - '0');
	if (i >= len || line[i] != '\t' || len - i - 1 != DIGEST_HEX ||
		digest_from_hex(line + i + 1, digest) < 0)
		return 0;
	return length;
}

static int
compare_path(const void *path, const void *divided)
{
	return path_compare(path, ((const struct divided *)divided)->e->path);
}

/* The f line has chunks: if we have a file at its path, that is noted. */
static void
note_known(struct holder *h)
{
	struct plan *p = h->x->p;
	const struct old_file *f = &h->file;
	const char *tab = memrchr(f->line, '\t', f->len);
	char path[PATH_MOST + 1];
	size_t len = tab ? (size_t)(f->line + f->len - tab) - 1 : 0;
	struct divided *d;

	if (len > PATH_MOST)
		return;
	memcpy(path, f->line + f->len - len, len);
	path[len] = '\0';
	d = bsearch(path, p->divided, p->n_divided, sizeof(*d), compare_path);
	if (d)
		d->known = true;
}

static int
take_chunk(struct holder *h, const char *line, size_t len)
{
	uint8_t digest[DIGEST_SIZE];
	uint64_t length = parse_chunk(line, len, digest);
	struct piece *p;

	if (!h->file.line || !length) {
		h->file.line = NULL;
		return 0;
	}
	if (h->file.offset == 0)
		note_known(h);
	p = plan_piece(h->t, digest);
	if (p && p->where == PIECE_NONE && p->length == length && open_old(h) &&
		is_there(h, p)) {
		p->release = h->id;
		p->path = h->file.path;
		p->offset = h->file.offset;
		plan_piece_set(h->t, p, PIECE_RELEASE);
	}
	h->file.offset += length;
	return busy_turn(h->x->o->busy, h->x->err);
}

static void
begin_file(struct holder *h, const char *line, size_t len)
{
	io_close(&h->file.fd);
	h->file = (struct old_file){ .line = line, .len = len, .fd = -1 };
}

static int
take_lines(struct holder *h, const char *text, size_t len)
{
	const char *end = text + len, *nl;
	int rc = 0;

	for (; rc == 0 && h->t->missing && text < end; text = nl + 1) {
		size_t n;

		nl = memchr(text, '\n', (size_t)(end - text));
		if (!nl)
			break;
		n = (size_t)(nl - text);
		if (n < 2 || text[1] != '\t')
			continue;
		if (*text == 'f')
			begin_file(h, text, n);
		else if (*text == 'c')
			rc = take_chunk(h, text, n);
	}
	io_close(&h->file.fd);
	return rc;
}

/* What the searches of all releases share. */
struct search {
	struct plan_search *x;
	struct plan_pieces *t;
	char *buffer;
};

static int
search_release(void *arg, const char *id, int dir, const char *text, size_t len)
{
	struct search *s = arg;
	struct holder h = { .x = s->x,
		.t = s->t,
		.id = id,
		.file = { .fd = -1 },
		.buffer = s->buffer };
	int rc;

	beneath_init(&h.at, dir);
	rc = take_lines(&h, text, len);
	beneath_release(&h.at);
	index_free(h.index);
	return rc ? rc : !s->t->missing;
}

int
plan_chunks_releases(struct plan_search *x, struct plan_pieces *t)
{
	struct search s = { x, t, mem_alloc(MANIFEST_CHUNK_MOST) };
	int rc = plan_each_release(x, search_release, &s);

	free(s.buffer);
	return rc;
}
