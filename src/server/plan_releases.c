/*
 * What other releases hold, newest first, as their manifests say.  Of these
 * only the lines that are asked for are read, and no more is believed than
 * the file itself bears out.
 */
#include "server/plan_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "tree/index.h"

/* Of a text that is looked through once. */
#define LET_GO (1 << 20)

/* The first 16 bits of every digest that is missing, one bit each. */
struct filter {
	uint64_t bits[65536 / 64];
};

struct holder {
	struct plan_search *x;
	const struct filter *filter;
	const char *id; /* the plan's */
	struct beneath at;
	struct stat_index *index; /* loaded when first needed */
};

/* The text of a file entry's line from its digest on. */
struct found {
	const char *hex, *path;
	size_t path_len;
};

static unsigned
first_bits(const uint8_t digest[static DIGEST_SIZE])
{
	return (unsigned)digest[0] << 8 | digest[1];
}

static void
filter_fill(struct filter *f, const struct plan *p)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < p->n; i++)
		if (p->v[i].where == SUPPLY_NONE) {
			unsigned bits = first_bits(p->v[i].digest);

			f->bits[bits / 64] |= UINT64_C(1) << bits % 64;
		}
}

static bool
filter_passes(const struct filter *f, const char *hex)
{
	unsigned bits = 0;
	int i;

	for (i = 0; i < 4; i++) {
		unsigned c = (unsigned char)hex[i];

		bits = bits << 4 | ((c & 15) + (c > '9' ? 9 : 0));
	}
	bits &= 0xffff;
	return f->bits[bits / 64] >> bits % 64 & 1;
}

/* "f TAB mode TAB size TAB hex TAB path" */
static bool
split(const char *line, size_t len, struct found *f)
{
	const char *end = line + len, *tab;

	if (len < 6 || line[0] != 'f' || line[1] != '\t' || line[5] != '\t')
		return false;
	tab = memchr(line + 6, '\t', len - 6);
	if (!tab || end - tab < DIGEST_HEX + 3 || tab[DIGEST_HEX + 1] != '\t')
		return false;
	f->hex = tab + 1;
	f->path = f->hex + DIGEST_HEX + 1;
	f->path_len = (size_t)(end - f->path);
	return true;
}

/* Whether the release's file still is what its manifest says. */
static bool
verify(struct holder *h, const char *path, const struct supply *u,
	struct origin *o)
{
	int64_t moment = index_moment();
	uint8_t digest[DIGEST_SIZE];
	char name[64];
	struct stat st;
	const char *leaf;
	int dir = beneath_at(&h->at, path, &leaf);

	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) || (uint64_t)st.st_size != u->size)
		return false;
	if (!h->index) {
		snprintf(name, sizeof(name), "records/%s.index", h->id);
		h->index = index_load(h->x->s->own, name);
	}
	if (!index_get(h->index, path, &st, digest) &&
		plan_hash(h->x, dir, leaf, digest) < 0)
		return false;
	o->was = index_stat_of(&st);
	o->settled = index_is_settled(&st, moment);
	return !memcmp(digest, u->digest, DIGEST_SIZE);
}

static const struct origin *
keep_origin(struct holder *h, const struct origin *o, const char *path,
	size_t len)
{
	struct origin *kept = arena_alloc(&h->x->p->arena,
		sizeof(*kept) + len + 1);

	*kept = *o;
	kept->release = h->id;
	memcpy(kept->path, path, len + 1);
	return kept;
}

static int
take_line(struct holder *h, const struct found *f)
{
	uint8_t digest[DIGEST_SIZE];
	char path[PATH_MOST + 1];
	struct origin o;
	struct supply *u;

	if (digest_from_hex(f->hex, digest) < 0)
		return 0;
	u = plan_find(h->x, digest);
	if (!u || u->where != SUPPLY_NONE || path_refuse(f->path, f->path_len))
		return 0;
	memcpy(path, f->path, f->path_len);
	path[f->path_len] = '\0';
	if (verify(h, path, u, &o)) {
		u->origin = keep_origin(h, &o, path, f->path_len);
		plan_set(h->x, u, SUPPLY_RELEASE, NULL);
	}
	return busy_turn(h->x->o->busy, h->x->err);
}

static int
take_lines(struct holder *h, const char *text, size_t len)
{
	const char *end = text + len, *nl, *let_go = text;
	struct found f;
	int rc = 0;

	for (; rc == 0 && h->x->missing && text < end; text = nl + 1) {
		if (text - let_go >= LET_GO) {
			/* What was mapped counts as memory of ours. */
			(void)madvise((void *)let_go, LET_GO, MADV_DONTNEED);
			let_go += LET_GO;
		}
		nl = memchr(text, '\n', (size_t)(end - text));
		if (!nl)
			break;
		if (split(text, (size_t)(nl - text), &f) &&
			filter_passes(h->filter, f.hex))
			rc = take_line(h, &f);
	}
	return rc;
}

/* What the searches of all releases share. */
struct search {
	struct plan_search *x;
	struct filter filter;
};

static int
search_text(void *arg, const char *id, int dir, const char *text, size_t len)
{
	struct search *s = arg;
	struct holder h = { .x = s->x, .filter = &s->filter, .id = id };
	int rc;

	beneath_init(&h.at, dir);
	rc = take_lines(&h, text, len);
	beneath_release(&h.at);
	index_free(h.index);
	return rc ? rc : !s->x->missing;
}

/* The text of a release's manifest. */
static int
open_manifest(struct plan_search *x, const char *id, struct error *err)
{
	struct record r = { 0 };
	int fd = -1;

	if (record_load(x->s, id, &r, err) == 0)
		fd = store_open_manifest(x->s, r.manifest, err);
	record_release(&r);
	return fd;
}

static void
note_unused(struct plan *p, const char *id, const struct error *err)
{
	if (!strstr(buf_str(&p->reason), id))
		buf_addf(&p->reason, "%s%s is not reused: %s",
			p->reason.len ? "; " : "", id, err->text);
}

static int
look_at(struct plan_search *x, const char *id, int dir, int fd,
	plan_release_fn *fn, void *arg)
{
	struct stat st;
	void *text;
	int rc;

	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return 0;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return 0;
	id = arena_strndup(&x->p->arena, id, strlen(id));
	rc = fn(arg, id, dir, text, (size_t)st.st_size);
	munmap(text, (size_t)st.st_size);
	return rc;
}

static int
open_and_look(struct plan_search *x, const char *id, plan_release_fn *fn,
	void *arg)
{
	struct error err = ERROR_INIT;
	char path[64];
	int dir, fd, rc = 0;

	snprintf(path, sizeof(path), "releases/%s", id);
	dir = beneath_open(x->s->dir, path, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return 0;
	fd = open_manifest(x, id, &err);
	if (fd >= 0)
		rc = look_at(x, id, dir, fd, fn, arg);
	else
		note_unused(x->p, id, &err);
	io_close(&fd);
	io_close(&dir);
	return rc;
}

int
plan_each_release(struct plan_search *x, plan_release_fn *fn, void *arg)
{
	struct strv ids = STRV_INIT;
	int rc = store_releases(x->s, &ids, x->err);
	size_t i;

	for (i = ids.n; rc == 0 && i-- > 0;)
		if (!x->o->without || !strv_has(x->o->without, ids.v[i]))
			rc = open_and_look(x, ids.v[i], fn, arg);
	strv_release(&ids);
	return rc < 0 ? -1 : 0;
}

int
plan_releases(struct plan_search *x)
{
	struct search s = { .x = x };

	if (!x->missing)
		return 0;
	filter_fill(&s.filter, x->p);
	return plan_each_release(x, search_text, &s);
}
