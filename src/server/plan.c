#include "server/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "tree/index.h"

#define NONE UINT32_MAX

/* Open addressing from a digest to its supply's place, while planning. */
struct table {
	uint32_t *slots;
	size_t mask;
};

/* What the searches share. */
struct search {
	struct plan *p;
	struct store *s;
	struct table table;
	struct digest *digest;
	const struct plan_options *o;
	size_t missing; /* supplies with SUPPLY_NONE */
	struct error *err;
};

static size_t
hash(const uint8_t digest[static DIGEST_SIZE])
{
	size_t h;

	memcpy(&h, digest, sizeof(h));
	return h;
}

/* The slot of a digest: its supply's, or the free one where it goes. */
static uint32_t *
slot(const struct table *t, const struct plan *p,
	const uint8_t digest[static DIGEST_SIZE])
{
	size_t i = hash(digest) & t->mask;

	while (t->slots[i] != NONE &&
		memcmp(p->v[t->slots[i]].digest, digest, DIGEST_SIZE))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static struct supply *
find(const struct search *x, const uint8_t digest[static DIGEST_SIZE])
{
	uint32_t *at = slot(&x->table, x->p, digest);

	return *at == NONE ? NULL : &x->p->v[*at];
}

static void
table_init(struct table *t, size_t n)
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
check_size(struct search *x, const struct supply *u, const struct entry *e)
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
collect(struct search *x)
{
	struct plan *p = x->p;
	size_t i;

	p->v = mem_zalloc(p->m->n, sizeof(*p->v));
	p->by_entry = mem_zalloc(p->m->n, sizeof(*p->by_entry));
	p->in_place = mem_zalloc(p->m->n, sizeof(*p->in_place));
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

static void
supply_set(struct search *x, struct supply *u, enum supply_where where,
	const char *release, const char *path)
{
	if (u->where == SUPPLY_NONE)
		x->missing--;
	u->where = where;
	u->path = path ? arena_strndup(&x->p->arena, path, strlen(path)) : NULL;
	u->release = release;
}

/* What is on its way need not be looked for. */
static void
take_offer(struct search *x)
{
	const struct ranges *r = x->o->offer;
	uint32_t line;
	size_t i;

	for (i = 0; r && i < r->n; i++)
		for (line = r->v[i].first; line <= r->v[i].last; line++) {
			struct supply *u = plan_supply(x->p,
				manifest_line(x->p->m, line));

			if (u->where == SUPPLY_NONE)
				supply_set(x, u, SUPPLY_TMP, NULL, NULL);
		}
}

static int
hash_file(struct search *x, int dir, const char *name,
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
 * One regular file found in next/.  One with other names elsewhere, which a
 * build may have given it, could change there.
 */
static void
next_file(struct search *x, const struct stat_index *index, int dir,
	const char *name, const char *path, const struct stat *st)
{
	struct plan *p = x->p;
	struct entry *e = manifest_find(p->m, path);
	uint8_t digest[DIGEST_SIZE];
	struct supply *u;
	bool vouched = index_get(index, path, st, digest);

	if (st->st_nlink > 1 ||
		(!vouched && hash_file(x, dir, name, digest) < 0))
		return;
	if (e && e->type == ENTRY_FILE &&
		!memcmp(e->digest, digest, DIGEST_SIZE)) {
		u = plan_supply(p, e);
		p->in_place[e - p->m->v] = vouched ? PLACE_SYNCED :
						     PLACE_HASHED;
		u->users--;
		if (u->where != SUPPLY_EMPTY)
			supply_set(x, u, SUPPLY_KEPT, NULL, path);
		return;
	}
	u = find(x, digest);
	if (u && u->where == SUPPLY_NONE)
		supply_set(x, u, SUPPLY_NEXT, NULL, path);
}

/*
 * A directory in next/; one that a release had closed to its owner is opened
 * up, for what is in it goes elsewhere.
 */
static int
open_directory(struct search *x, int dir, const char *name,
	const struct stat *st)
{
	if (!x->o->look && (st->st_mode & 0700) != 0700)
		(void)!fchmodat(dir, name, 0700, 0);
	return openat(dir, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Takes fd.  `path` is of the directory, with a slash, and is restored. */
static int
walk_next(struct search *x, const struct stat_index *index, int fd,
	struct buf *path)
{
	DIR *dir = fdopendir(fd);
	size_t len = path->len;
	struct dirent *e;
	struct stat st;
	int rc = 0;

	if (!dir) {
		io_close(&fd);
		return 0;
	}
	while (rc == 0 && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		buf_addstr(path, e->d_name);
		if (S_ISREG(st.st_mode)) {
			next_file(x, index, fd, e->d_name, path->data, &st);
			rc = busy_turn(x->o->busy, x->err);
		} else if (S_ISDIR(st.st_mode) && path->len < PATH_MOST) {
			int sub = open_directory(x, fd, e->d_name, &st);

			buf_addch(path, '/');
			if (sub >= 0)
				rc = walk_next(x, index, sub, path);
		}
		buf_truncate(path, len);
	}
	closedir(dir);
	return rc;
}

static int
search_next(struct search *x)
{
	struct stat_index *index = index_load(x->s->own, "next.index");
	struct buf path = BUF_INIT;
	int fd = openat(x->s->own, "next",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? 0 : walk_next(x, index, fd, &path);

	buf_release(&path);
	index_free(index);
	return rc;
}

/* Uploads of a session that was cut: named by what they must hash to. */
static int
search_tmp(struct search *x)
{
	int fd = openat(x->s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint8_t named[DIGEST_SIZE], digest[DIGEST_SIZE];
	struct dirent *e;
	struct supply *u;
	int rc = 0;

	while (dir && rc == 0 && (e = readdir(dir))) {
		if (strlen(e->d_name) != DIGEST_HEX ||
			digest_from_hex(e->d_name, named) < 0)
			continue;
		u = find(x, named);
		if (!u || u->where != SUPPLY_NONE)
			continue;
		rc = busy_turn(x->o->busy, x->err);
		if (hash_file(x, fd, e->d_name, digest) == 0 &&
			!memcmp(named, digest, DIGEST_SIZE))
			supply_set(x, u, SUPPLY_TMP, NULL, NULL);
		else if (!x->o->look)
			unlinkat(fd, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* Whether a release's file still is what its manifest says. */
static bool
verify(struct search *x, const struct stat_index *index, struct beneath *at,
	const struct entry *e)
{
	uint8_t digest[DIGEST_SIZE];
	struct stat st;
	const char *leaf;
	int dir = beneath_at(at, e->path, &leaf);

	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) || (uint64_t)st.st_size != e->size)
		return false;
	if (!index_get(index, e->path, &st, digest) &&
		hash_file(x, dir, leaf, digest) < 0)
		return false;
	return !memcmp(digest, e->digest, DIGEST_SIZE);
}

static int
search_files(struct search *x, const char *id, int dir,
	const struct manifest *m)
{
	struct stat_index *index;
	struct beneath at;
	char name[64];
	size_t i;
	int rc = 0;

	snprintf(name, sizeof(name), "records/%s.index", id);
	index = index_load(x->s->own, name);
	id = arena_strndup(&x->p->arena, id, strlen(id));
	beneath_init(&at, dir);
	for (i = 0; i < m->n && x->missing && rc == 0; i++) {
		struct supply *u;

		if (m->v[i].type != ENTRY_FILE)
			continue;
		u = find(x, m->v[i].digest);
		if (!u || u->where != SUPPLY_NONE)
			continue;
		if (verify(x, index, &at, &m->v[i]))
			supply_set(x, u, SUPPLY_RELEASE, id, m->v[i].path);
		rc = busy_turn(x->o->busy, x->err);
	}
	beneath_release(&at);
	index_free(index);
	return rc;
}

static int
search_release(struct search *x, const char *id)
{
	struct manifest m = MANIFEST_INIT;
	struct record r = { 0 };
	struct error err = ERROR_INIT;
	char path[64];
	int dir, rc = 0;

	snprintf(path, sizeof(path), "releases/%s", id);
	dir = beneath_open(x->s->dir, path, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return 0;
	if (record_load(x->s, id, &r, &err) < 0 || !r.manifest ||
		store_load_manifest(x->s, r.manifest, &m, &err) < 0)
		buf_addf(&x->p->reason, "%s%s is not reused: %s",
			x->p->reason.len ? "; " : "", id, err.text);
	else
		rc = search_files(x, id, dir, &m);
	manifest_release(&m);
	record_release(&r);
	io_close(&dir);
	return rc;
}

static int
search_releases(struct search *x)
{
	struct strv ids = STRV_INIT;
	int rc = store_releases(x->s, &ids, x->err);
	size_t i;

	for (i = ids.n; rc == 0 && i-- > 0 && x->missing;)
		rc = search_release(x, ids.v[i]);
	strv_release(&ids);
	return rc;
}

int
plan_make(struct plan *p, struct store *s, const struct manifest *m,
	const struct plan_options *o, struct error *err)
{
	struct search x = { .p = p, .s = s, .o = o, .err = err };
	int rc;

	memset(p, 0, sizeof(*p));
	p->m = m;
	table_init(&x.table, m->n);
	x.digest = digest_new();
	rc = collect(&x);
	if (rc == 0)
		take_offer(&x);
	if (rc == 0 && !o->fresh)
		rc = search_next(&x);
	if (rc == 0 && (!o->fresh || !o->look))
		rc = search_tmp(&x);
	if (rc == 0 && !o->fresh)
		rc = search_releases(&x);
	digest_free(x.digest);
	free(x.table.slots);
	return rc;
}

void
plan_release(struct plan *p)
{
	free(p->v);
	free(p->by_entry);
	free(p->in_place);
	arena_release(&p->arena);
	buf_release(&p->reason);
	memset(p, 0, sizeof(*p));
}

struct supply *
plan_supply(const struct plan *p, const struct entry *e)
{
	return &p->v[p->by_entry[e - p->m->v]];
}

uint64_t
plan_copies(const struct plan *p)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct supply *u = &p->v[i];
		bool stays = u->where == SUPPLY_KEPT ||
			u->where == SUPPLY_RELEASE;

		/* The last user of what lies in tmp/ gets the file itself. */
		if (u->users)
			bytes += u->size * (u->users - !stays);
	}
	return bytes;
}

void
plan_need(const struct plan *p, struct ranges *need, uint64_t *files,
	uint64_t *bytes)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct supply *u = &p->v[i];

		if (u->where != SUPPLY_NONE)
			continue;
		ranges_add(need, u->line);
		++*files;
		*bytes += u->size;
	}
}
