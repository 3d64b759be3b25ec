#include "tree/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

/* Text that is hashed at once. */
#define DIGEST_BATCH 16384

void
manifest_release(struct manifest *m)
{
	free(m->v);
	arena_release(&m->arena);
	memset(m, 0, sizeof(*m));
}

uint32_t
chunk_length(const struct entry *e, uint32_t i)
{
	const struct chunks *c = e->chunks;
	uint64_t end = i + 1 < c->n ? c->v[i + 1].offset : e->size;

	return (uint32_t)(end - c->v[i].offset);
}

uint32_t
entry_lines(const struct entry *e)
{
	return 1 + (e->type == ENTRY_FILE && e->chunks ? e->chunks->n : 0);
}

const struct chunks *
manifest_add_chunks(struct manifest *m, const struct chunks *c)
{
	size_t size = sizeof(*c) + c->n * sizeof(*c->v);

	return memcpy(arena_alloc(&m->arena, size), c, size);
}

struct entry *
manifest_add(struct manifest *m, const struct entry *e)
{
	struct entry *copy;

	MEM_GROW(m->v, m->n, m->cap);
	copy = &m->v[m->n++];
	*copy = *e;
	copy->path = arena_strndup(&m->arena, e->path, strlen(e->path));
	if (e->type == ENTRY_LINK)
		copy->target = arena_strndup(&m->arena, e->target,
			strlen(e->target));
	else if (e->type == ENTRY_FILE && e->chunks)
		copy->chunks = manifest_add_chunks(m, e->chunks);
	copy->line = m->lines + 1;
	m->lines += entry_lines(copy);
	return copy;
}

void
manifest_adopt(struct manifest *m, struct manifest *base)
{
	arena_join(&m->arena, &base->arena);
	manifest_release(base);
}

void
manifest_share(struct manifest *copy, const struct manifest *m)
{
	*copy = *m;
	copy->arena = (struct arena)ARENA_INIT;
	copy->cap = m->n;
	copy->v = mem_alloc(m->n * sizeof(*m->v));
	if (m->n)
		memcpy(copy->v, m->v, m->n * sizeof(*m->v));
}

static int
compare_entries(const void *a, const void *b)
{
	return path_compare(((const struct entry *)a)->path,
		((const struct entry *)b)->path);
}

void
manifest_number(struct manifest *m)
{
	size_t i;

	m->lines = 0;
	for (i = 0; i < m->n; i++) {
		m->v[i].line = m->lines + 1;
		m->lines += entry_lines(&m->v[i]);
	}
}

void
manifest_sort(struct manifest *m)
{
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), compare_entries);
	manifest_number(m);
}

void
manifest_finish(struct manifest *m)
{
	struct digest *d = digest_new();
	struct buf lines = BUF_INIT;
	size_t i;

	for (i = 0; i < m->n; i++) {
		manifest_write_entry(&m->v[i], &lines);
		if (lines.len >= DIGEST_BATCH) {
			digest_update(d, lines.data, lines.len);
			buf_clear(&lines);
		}
	}
	digest_update(d, lines.data, lines.len);
	digest_final(d, m->id);
	digest_free(d);
	buf_release(&lines);
}

struct entry *
manifest_find(const struct manifest *m, const char *path)
{
	struct entry key = { .path = path };

	if (!m->n)
		return NULL;
	return bsearch(&key, m->v, m->n, sizeof(*m->v), compare_entries);
}

struct entry *
manifest_at(const struct manifest *m, uint32_t line, uint32_t *chunk)
{
	size_t from = 0, to = m->n;

	if (line == 0 || line > m->lines)
		return NULL;
	while (to - from > 1) {
		size_t mid = from + (to - from) / 2;

		if (m->v[mid].line <= line)
			from = mid;
		else
			to = mid;
	}
	*chunk = line == m->v[from].line ? MANIFEST_NO_CHUNK :
					   line - m->v[from].line - 1;
	return &m->v[from];
}

struct entry *
manifest_line(const struct manifest *m, uint32_t line)
{
	uint32_t chunk;
	struct entry *e = manifest_at(m, line, &chunk);

	return e && chunk == MANIFEST_NO_CHUNK ? e : NULL;
}

static char *
put_text(char *p, const char *s, char end)
{
	size_t len = strlen(s);

	memcpy(p, s, len);
	p[len] = end;
	return p + len + 1;
}

static char *
put_number(char *p, uint64_t n)
{
	char digits[20];
	size_t len = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (len)
		*p++ = digits[--len];
	*p++ = '\t';
	return p;
}

/* Not by printf: every line is written at least once a deploy, for the id. */
void
manifest_write_entry(const struct entry *e, struct buf *out)
{
	char *p = buf_reserve(out, MANIFEST_LINE_MOST);

	*p++ = e->type;
	*p++ = '\t';
	if (e->type == ENTRY_LINK) {
		p = put_text(p, e->target, '\t');
	} else {
		*p++ = (char)('0' + (e->mode >> 6 & 7));
		*p++ = (char)('0' + (e->mode >> 3 & 7));
		*p++ = (char)('0' + (e->mode & 7));
		*p++ = '\t';
	}
	if (e->type == ENTRY_FILE) {
		p = put_number(p, e->size);
		digest_to_hex(e->digest, p);
		p += DIGEST_HEX;
		*p++ = '\t';
	}
	p = put_text(p, e->path, '\n');
	*p = '\0';
	out->len = (size_t)(p - out->data);
}

void
manifest_write_chunk(const struct entry *e, uint32_t i, struct buf *out)
{
	char hex[DIGEST_HEX + 1];

	digest_to_hex(e->chunks->v[i].digest, hex);
	buf_addf(out, "c\t%" PRIu32 "\t%s\n", chunk_length(e, i), hex);
}

void
manifest_write_end(const struct manifest *m, struct buf *out)
{
	char hex[DIGEST_HEX + 1];

	digest_to_hex(m->id, hex);
	buf_addf(out, "end\t%s\n", hex);
}

void
manifest_count(const struct manifest *m, uint64_t *files, uint64_t *bytes)
{
	size_t i;

	*files = *bytes = 0;
	for (i = 0; i < m->n; i++) {
		if (m->v[i].type != ENTRY_FILE)
			continue;
		++*files;
		/* What a peer made up may not wrap around a limit. */
		*bytes += m->v[i].size;
		if (*bytes > INT64_MAX)
			*bytes = INT64_MAX;
	}
}

bool
entry_equal(const struct entry *a, const struct entry *b)
{
	if (a->type != b->type || strcmp(a->path, b->path))
		return false;
	if (a->type == ENTRY_LINK)
		return !strcmp(a->target, b->target);
	if (a->mode != b->mode)
		return false;
	return a->type == ENTRY_DIRECTORY ||
		(a->size == b->size &&
			!memcmp(a->digest, b->digest, DIGEST_SIZE));
}

int
manifest_pairs(const struct manifest *a, const struct manifest *b,
	manifest_pair_fn *fn, void *arg)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < a->n || j < b->n)) {
		int order = i == a->n ? 1 :
			j == b->n     ? -1 :
					path_compare(a->v[i].path, b->v[j].path);
		const struct entry *x = order <= 0 ? &a->v[i++] : NULL;
		const struct entry *y = order >= 0 ? &b->v[j++] : NULL;

		rc = fn(x, y, arg);
	}
	return rc;
}
