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
	bool look;
	size_t missing; /* supplies with SUPPLY_NONE */
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

/* One supply for each content of the tree. */
static void
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
			u->where = e->size ? SUPPLY_NONE : SUPPLY_EMPTY;
			x->missing += e->size != 0;
		}
		p->by_entry[i] = *at;
		p->v[*at].users++;
	}
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

/* Hashes dir/name if it is a regular file of that size (any: -1). */
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

/* One regular file found in next/. */
static void
next_file(struct search *x, const struct stat_index *index, int dir,
	const char *name, const char *path, const struct stat *st)
{
	struct plan *p = x->p;
	struct entry *e = manifest_find(p->m, path);
	uint8_t digest[DIGEST_SIZE];
	struct supply *u;

	if (!index_get(index, path, st, digest) &&
		hash_file(x, dir, name, digest) < 0)
		return;
	if (e && e->type == ENTRY_FILE &&
		!memcmp(e->digest, digest, DIGEST_SIZE)) {
		u = plan_supply(p, e);
		p->in_place[e - p->m->v] = true;
		u->users--;
		if (u->where != SUPPLY_EMPTY)
			supply_set(x, u, SUPPLY_KEPT, NULL, path);
		return;
	}
	u = find(x, digest);
	if (u && u->where == SUPPLY_NONE)
		supply_set(x, u, SUPPLY_NEXT, NULL, path);
}

/* Takes dir.  `path` is of the directory, with a slash, and is restored. */
static void
walk_next(struct search *x, const struct stat_index *index, int fd,
	struct buf *path)
{
	DIR *dir = fdopendir(fd);
	size_t len = path->len;
	struct dirent *e;
	struct stat st;

	if (!dir) {
		io_close(&fd);
		return;
	}
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		buf_addstr(path, e->d_name);
		if (S_ISREG(st.st_mode)) {
			next_file(x, index, fd, e->d_name, path->data, &st);
		} else if (S_ISDIR(st.st_mode) && path->len < PATH_MOST) {
			int sub = openat(fd, e->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);

			buf_addch(path, '/');
			if (sub >= 0)
				walk_next(x, index, sub, path);
		}
		buf_truncate(path, len);
	}
	closedir(dir);
}

static void
search_next(struct search *x)
{
	struct stat_index *index = index_load(x->s->own, "next.index");
	struct buf path = BUF_INIT;
	int fd = openat(x->s->own, "next",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		walk_next(x, index, fd, &path);
	buf_release(&path);
	index_free(index);
}

/* Uploads of a session that was cut: named by what they must hash to. */
static void
search_tmp(struct search *x)
{
	int fd = openat(x->s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint8_t named[DIGEST_SIZE], digest[DIGEST_SIZE];
	struct dirent *e;
	struct supply *u;

	while (dir && (e = readdir(dir))) {
		if (strlen(e->d_name) != DIGEST_HEX ||
			digest_from_hex(e->d_name, named) < 0)
			continue;
		u = find(x, named);
		if (!u)
			continue;
		if (hash_file(x, fd, e->d_name, digest) == 0 &&
			!memcmp(named, digest, DIGEST_SIZE)) {
			if (u->where == SUPPLY_NONE)
				supply_set(x, u, SUPPLY_TMP, NULL, NULL);
		} else if (!x->look) {
			unlinkat(fd, e->d_name, 0);
		}
	}
	if (dir)
		closedir(dir);
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

static void
search_files(struct search *x, const char *id, int dir,
	const struct manifest *m)
{
	struct stat_index *index;
	struct beneath at;
	char name[64];
	size_t i;

	snprintf(name, sizeof(name), "records/%s.index", id);
	index = index_load(x->s->own, name);
	id = arena_strndup(&x->p->arena, id, strlen(id));
	beneath_init(&at, dir);
	for (i = 0; i < m->n && x->missing; i++) {
		struct supply *u;

		if (m->v[i].type != ENTRY_FILE)
			continue;
		u = find(x, m->v[i].digest);
		if (u && u->where == SUPPLY_NONE &&
			verify(x, index, &at, &m->v[i]))
			supply_set(x, u, SUPPLY_RELEASE, id, m->v[i].path);
	}
	beneath_release(&at);
	index_free(index);
}

static void
search_release(struct search *x, const char *id)
{
	struct manifest m = MANIFEST_INIT;
	struct record r = { 0 };
	struct error err = ERROR_INIT;
	char path[64];
	int dir;

	snprintf(path, sizeof(path), "releases/%s", id);
	dir = beneath_open(x->s->dir, path, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return;
	if (record_load(x->s, id, &r, &err) < 0 || !r.manifest ||
		store_load_manifest(x->s, r.manifest, &m, &err) < 0)
		buf_addf(&x->p->reason, "%s is not reused: %s; ", id, err.text);
	else
		search_files(x, id, dir, &m);
	manifest_release(&m);
	record_release(&r);
	io_close(&dir);
}

static int
search_releases(struct search *x, struct error *err)
{
	struct strv ids = STRV_INIT;
	size_t i;

	if (store_releases(x->s, &ids, err) < 0)
		return -1;
	for (i = ids.n; i-- > 0 && x->missing;)
		search_release(x, ids.v[i]);
	strv_release(&ids);
	return 0;
}

int
plan_make(struct plan *p, struct store *s, const struct manifest *m, bool fresh,
	bool look, struct error *err)
{
	struct search x = { .p = p, .s = s, .look = look };
	int rc = 0;

	memset(p, 0, sizeof(*p));
	p->m = m;
	table_init(&x.table, m->n);
	x.digest = digest_new();
	collect(&x);
	if (!fresh)
		search_next(&x);
	if (!fresh || !look)
		search_tmp(&x);
	if (!fresh)
		rc = search_releases(&x, err);
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
		*bytes += manifest_line(p->m, u->line)->size;
	}
}
