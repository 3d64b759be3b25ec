#include "server/plan_parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#define NONE UINT32_MAX

static size_t
hash(const uint8_t digest[static DIGEST_SIZE])
{
	size_t h;

	memcpy(&h, digest, sizeof(h));
	return h;
}

/* The slot of a digest: its supply's, or the free one where it goes. */
static uint32_t *
slot(const struct plan_table *t, const struct plan *p,
	const uint8_t digest[static DIGEST_SIZE])
{
	size_t i = hash(digest) & t->mask;

	while (t->slots[i] != NONE &&
		memcmp(p->v[t->slots[i]].digest, digest, DIGEST_SIZE))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

struct supply *
plan_find(const struct plan_search *x, const uint8_t digest[static DIGEST_SIZE])
{
	uint32_t *at = slot(&x->table, x->p, digest);

	return *at == NONE ? NULL : &x->p->v[*at];
}

void
plan_table_init(struct plan_table *t, size_t n)
{
	size_t size = 64;

	while (size < 2 * n)
		size *= 2;
	t->slots = mem_alloc(size * sizeof(*t->slots));
	memset(t->slots, 0xff, size * sizeof(*t->slots));
	t->mask = size - 1;
}

/* A content has one size, or the manifest lies. */
static int
check_size(struct plan_search *x, const struct supply *u, const struct entry *e)
{
	static const uint8_t empty[DIGEST_SIZE] = { 0xe3, 0xb0, 0xc4, 0x42,
		0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
		0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
		0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 };

	if (u->size == e->size &&
		(e->size == 0) == !memcmp(e->digest, empty, DIGEST_SIZE))
		return 0;
	return error_status(x->err, STATUS_TRANSFER,
		"the manifest gives %s a size that its hash does not have",
		e->path);
}

/* One supply for each content of the tree. */
static int
collect(struct plan_search *x)
{
	struct plan *p = x->p;
	size_t i;

	p->v = mem_zalloc(p->m->n, sizeof(*p->v));
	p->by_entry = mem_zalloc(p->m->n, sizeof(*p->by_entry));
	p->seen = mem_zalloc(p->m->n, sizeof(*p->seen));
	for (i = 0; i < p->m->n; i++) {
		const struct entry *e = &p->m->v[i];
		uint32_t *at;

		if (e->type != ENTRY_FILE)
			continue;
		at = slot(&x->table, p, e->digest);
		if (*at == NONE) {
			struct supply *u = &p->v[p->n];

			*at = (uint32_t)p->n++;
			memcpy(u->digest, e->digest, DIGEST_SIZE);
			u->line = e->line;
			u->size = e->size;
			u->where = e->size ? SUPPLY_NONE : SUPPLY_EMPTY;
			x->missing += e->size != 0;
		}
		p->by_entry[i] = *at;
		p->v[*at].users++;
		if (check_size(x, &p->v[*at], e) < 0)
			return -1;
	}
	return 0;
}

void
plan_set(struct plan_search *x, struct supply *u, enum supply_where where,
	const char *path)
{
	if (u->where == SUPPLY_NONE)
		x->missing--;
	u->where = where;
	u->path = path;
}

/* What is on its way need not be looked for. */
static void
take_offer(struct plan_search *x)
{
	const struct ranges *r = x->o->offer;
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	while (r && ranges_next(r, &at, &line)) {
		struct supply *u = plan_supply(x->p,
			manifest_line(x->p->m, line));

		if (u->where == SUPPLY_NONE)
			plan_set(x, u, SUPPLY_TMP, NULL);
	}
}

int
plan_hash(struct plan_search *x, int dir, const char *name,
	uint8_t out[static DIGEST_SIZE])
{
	int fd = openat(dir, name,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int64_t n;

	if (fd < 0)
		return -1;
	n = digest_fd(x->digest, fd, out);
	io_close(&fd);
	return n < 0 ? -1 : 0;
}

/*
 * Whether an upload is what its name says.  It has no other size, or the
 * manifest lies.
 */
static bool
is_upload(struct plan_search *x, int dir, const char *name,
	const struct supply *u)
{
	uint8_t digest[DIGEST_SIZE];
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(uint64_t)st.st_size == u->size &&
		plan_hash(x, dir, name, digest) == 0 &&
		!memcmp(u->digest, digest, DIGEST_SIZE);
}

/* Uploads of a session that was cut: named by what they must hash to. */
static int
search_tmp(struct plan_search *x)
{
	int fd = openat(x->s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint8_t named[DIGEST_SIZE];
	const char *name;
	struct supply *u;
	int rc = 0;

	/* What cannot be read of it comes again. */
	while (dir && rc == 0 && io_next_name(dir, &name) > 0) {
		if (strlen(name) != DIGEST_HEX ||
			digest_from_hex(name, named) < 0)
			continue;
		u = plan_find(x, named);
		if (!u || u->where != SUPPLY_NONE)
			continue;
		rc = busy_turn(x->o->busy, x->err);
		if (is_upload(x, fd, name, u))
			plan_set(x, u, SUPPLY_TMP, NULL);
		else if (!x->o->look)
			unlinkat(fd, name, 0);
	}
	if (dir)
		closedir(dir);
	return rc;
}

int
plan_make(struct plan *p, struct store *s, const struct manifest *m,
	const struct plan_options *o, struct error *err)
{
	struct plan_search x = { .p = p, .s = s, .o = o, .err = err };
	int rc;

	memset(p, 0, sizeof(*p));
	p->m = m;
	p->fresh = o->fresh || s->bypass;
	if (!o->fresh && s->bypass)
		buf_addstr(&p->reason,
			"next/ is not reused: it is still being prepared");
	plan_table_init(&x.table, m->n);
	x.digest = digest_new();
	rc = collect(&x);
	if (rc == 0)
		take_offer(&x);
	if (rc == 0 && !p->fresh)
		rc = plan_next(&x);
	if (rc == 0 && !o->spare && (!o->fresh || !o->look))
		rc = search_tmp(&x);
	if (rc == 0 && !o->fresh)
		rc = plan_releases(&x);
	if (rc == 0)
		rc = plan_chunks(&x);
	digest_free(x.digest);
	free(x.table.slots);
	return rc;
}

void
plan_release(struct plan *p)
{
	free(p->v);
	free(p->by_entry);
	free(p->seen);
	strv_release(&p->strays);
	free(p->divided);
	free(p->pieces);
	arena_release(&p->arena);
	buf_release(&p->reason);
	memset(p, 0, sizeof(*p));
}

struct supply *
plan_supply(const struct plan *p, const struct entry *e)
{
	return &p->v[p->by_entry[e - p->m->v]];
}

/* What a peer made up may not wrap around a limit. */
static void
add_bytes(uint64_t *sum, uint64_t size, uint64_t times)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(size, times, &bytes) ||
		bytes > INT64_MAX - *sum)
		*sum = INT64_MAX;
	else
		*sum += bytes;
}

uint64_t
plan_copies(const struct plan *p)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct supply *u = &p->v[i];
		bool stays = u->where == SUPPLY_KEPT ||
			u->where == SUPPLY_RELEASE || u->where == SUPPLY_CHUNKS;

		/*
		 * The last user of what lies in tmp/ gets the file itself,
		 * which may be a copy of pieces.
		 */
		if (u->users)
			add_bytes(&bytes, u->size, u->users - !stays);
	}
	return bytes;
}

static uint64_t
pieces_to_come(const struct divided *d)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < d->e->chunks->n; i++)
		n += d->pieces[i]->where == PIECE_NONE;
	return n;
}

uint64_t
plan_makes(const struct plan *p)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < p->m->n; i++)
		n += p->seen[i].place == PLACE_NOT;
	/* One of those that share what is moved gets the file itself. */
	for (i = 0; i < p->n; i++)
		n -= p->v[i].users &&
			(p->v[i].where == SUPPLY_NEXT ||
				p->v[i].where == SUPPLY_TMP);
	for (i = 0; i < p->n_divided; i++)
		n += pieces_to_come(&p->divided[i]);
	return n;
}

void
plan_need(const struct plan *p, struct ranges *need, uint64_t *files,
	uint64_t *bytes)
{
	size_t i, divided = 0;

	for (i = 0; i < p->n; i++) {
		const struct supply *u = &p->v[i];
		uint64_t lacks = 0;

		if (u->where == SUPPLY_CHUNKS) {
			lacks = plan_chunks_need(&p->divided[divided++], need);
		} else if (u->where == SUPPLY_NONE) {
			ranges_add(need, u->line);
			lacks = u->size;
		}
		*files += lacks != 0;
		add_bytes(bytes, lacks, 1);
	}
}
