/*
 * What is there of large files that are nowhere whole: their chunks, looked
 * for among uploads and in the manifests of other releases.
 */
#include "server/plan_chunks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "server/plan_parts.h"

#define NONE UINT32_MAX

/* A file is put together if this much of it, a quarter, need not be sent. */
#define WORTH 4

static size_t
slot(const struct plan_pieces *t, const uint8_t digest[static DIGEST_SIZE])
{
	size_t i;

	memcpy(&i, digest, sizeof(i));
	i &= t->table.mask;
	while (t->table.slots[i] != NONE &&
		memcmp(t->v[t->table.slots[i]].digest, digest, DIGEST_SIZE))
		i = (i + 1) & t->table.mask;
	return i;
}

struct piece *
plan_piece(const struct plan_pieces *t,
	const uint8_t digest[static DIGEST_SIZE])
{
	uint32_t place = t->table.slots[slot(t, digest)];

	return place == NONE ? NULL : &t->v[place];
}

static struct piece *
add_piece(struct plan_pieces *t, const struct entry *e, uint32_t i)
{
	const uint8_t *digest = e->chunks->v[i].digest;
	uint32_t *place = &t->table.slots[slot(t, digest)];
	struct piece *p;

	if (*place == NONE) {
		*place = (uint32_t)t->n;
		p = &t->v[t->n++];
		memcpy(p->digest, digest, DIGEST_SIZE);
		p->length = chunk_length(e, i);
		t->missing++;
	}
	p = &t->v[*place];
	/* A content has one size, or the manifest lies. */
	return p->length == chunk_length(e, i) ? p : NULL;
}

void
plan_piece_set(struct plan_pieces *t, struct piece *p, enum piece_where where)
{
	if (p->where == PIECE_NONE)
		t->missing--;
	p->where = where;
}

/* The files that are nowhere and are divided; how many chunks they have. */
static size_t
find_candidates(struct plan *p)
{
	size_t i, chunks = 0;

	for (i = 0; i < p->n; i++) {
		struct supply *u = &p->v[i];
		const struct entry *e;

		if (u->where != SUPPLY_NONE)
			continue;
		e = manifest_line(p->m, u->line);
		if (!e->chunks)
			continue;
		MEM_GROW(p->divided, p->n_divided, p->cap_divided);
		p->divided[p->n_divided++] = (struct divided){ .u = u, .e = e };
		chunks += e->chunks->n;
	}
	return chunks;
}

static int
collect(struct plan_search *x, struct plan_pieces *t)
{
	struct plan *p = x->p;
	size_t i;
	uint32_t k;

	for (i = 0; i < p->n_divided; i++) {
		struct divided *d = &p->divided[i];
		uint32_t n = d->e->chunks->n;

		d->pieces = arena_alloc(&p->arena, n * sizeof(*d->pieces));
		for (k = 0; k < n; k++) {
			d->pieces[k] = add_piece(t, d->e, k);
			if (!d->pieces[k])
				return error_status(x->err, STATUS_TRANSFER,
					"the manifest gives a chunk of %s a "
					"size that its hash does not have",
					d->e->path);
		}
	}
	return 0;
}

/* The whole file is hashed in any case; only if that was wrong, each. */
static bool
is_upload(struct plan_search *x, int dir, const char *name,
	const struct piece *p)
{
	uint8_t digest[DIGEST_SIZE];
	struct stat st;

	if (x->o->chunks == CHUNKS_VOUCHED)
		return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) &&
			(uint64_t)st.st_size == p->length;
	return plan_hash(x, dir, name, digest) == 0 &&
		!memcmp(p->digest, digest, DIGEST_SIZE);
}

/* Uploads: of this session, or of one that was cut. */
static int
search_tmp(struct plan_search *x, struct plan_pieces *t)
{
	int fd = openat(x->s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint8_t named[DIGEST_SIZE];
	struct dirent *e;
	struct piece *p;
	int rc = 0;

	while (dir && rc == 0 && (e = readdir(dir))) {
		if (strlen(e->d_name) != DIGEST_HEX ||
			digest_from_hex(e->d_name, named) < 0)
			continue;
		p = plan_piece(t, named);
		if (!p)
			continue;
		rc = busy_turn(x->o->busy, x->err);
		if (is_upload(x, fd, e->d_name, p))
			plan_piece_set(t, p, PIECE_TMP);
		else if (!x->o->look)
			unlinkat(fd, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* Bytes that must be sent for d, each piece once. */
static uint64_t
missing_bytes(struct plan_pieces *t, const struct divided *d)
{
	uint32_t number = ++t->counts, i;
	uint64_t bytes = 0;

	for (i = 0; i < d->e->chunks->n; i++) {
		struct piece *p = d->pieces[i];

		if (p->where == PIECE_NONE && !p->line && p->seen != number)
			bytes += p->length;
		p->seen = number;
	}
	return bytes;
}

bool
plan_chunks_enough(struct plan_pieces *t, const struct divided *d)
{
	return d->e->size - missing_bytes(t, d) >= d->e->size / WORTH;
}

/* Whatever is nowhere is asked for, by the first line that it stands in. */
static void
ask_pieces(const struct divided *d)
{
	uint32_t i;

	for (i = 0; i < d->e->chunks->n; i++) {
		struct piece *p = d->pieces[i];

		if (p->where == PIECE_NONE && !p->line)
			p->line = d->e->line + 1 + i;
	}
}

/* Those that are worth it remain. */
static void
decide(struct plan_search *x, struct plan_pieces *t)
{
	struct plan *p = x->p;
	size_t i, n = 0;

	for (i = 0; i < p->n_divided; i++) {
		struct divided *d = &p->divided[i];

		if (!plan_chunks_enough(t, d))
			continue;
		ask_pieces(d);
		plan_set(x, d->u, SUPPLY_CHUNKS, NULL);
		p->divided[n++] = *d;
	}
	p->n_divided = n;
}

static int
search(struct plan_search *x, struct plan_pieces *t)
{
	const struct plan_options *o = x->o;
	bool counts = !o->fresh || !o->look; /* what is in tmp/ */
	int rc = collect(x, t);

	if (rc == 0 && counts)
		rc = search_tmp(x, t);
	if (rc == 0 && counts && !o->spare && t->missing)
		rc = plan_chunks_parts(x, t);
	if (rc == 0 && !o->fresh)
		rc = plan_chunks_releases(x, t);
	if (rc == 0 && !o->fresh)
		rc = plan_chunks_divide(x, t);
	if (rc == 0)
		decide(x, t);
	return rc;
}

int
plan_chunks(struct plan_search *x)
{
	struct plan *p = x->p;
	struct plan_pieces t = { 0 };
	size_t n = 0;
	int rc = 0;

	if (x->missing && x->o->chunks != CHUNKS_NOT)
		n = find_candidates(p);
	if (n) {
		plan_table_init(&t.table, n);
		t.v = p->pieces = mem_zalloc(n, sizeof(*p->pieces));
		rc = search(x, &t);
		free(t.table.slots);
	}
	/* What is planned for once only is not done. */
	if (rc == 0 && !x->o->look && !x->o->spare && !x->o->without)
		plan_chunks_drop_parts(x);
	return rc;
}

uint64_t
plan_chunks_need(const struct divided *d, struct ranges *need)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < d->e->chunks->n; i++) {
		const struct piece *p = d->pieces[i];

		if (p->where != PIECE_NONE || p->line != d->e->line + 1 + i)
			continue;
		ranges_add(need, p->line);
		bytes += p->length;
	}
	return bytes;
}
