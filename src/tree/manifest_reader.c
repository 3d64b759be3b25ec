/* Reading manifests and differences, checking every rule of manifest.h. */
#include "tree/manifest.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

/* The fields of a line that is being taken apart. */
struct fields {
	const char *at, *end;
};

/* The next field of the line, up to a TAB or the end; NULL: none. */
static const char *
next_field(struct fields *f, size_t *len)
{
	const char *start = f->at, *tab;

	if (!start)
		return NULL;
	tab = memchr(start, '\t', (size_t)(f->end - start));
	*len = (size_t)((tab ? tab : f->end) - start);
	f->at = tab ? tab + 1 : NULL;
	return start;
}

/* Decimal without sign or leading zeros, within 63 bits. */
static int
parse_number(const char *s, size_t len, uint64_t *out)
{
	size_t i;

	*out = 0;
	if (len == 0 || len > 18 || (s[0] == '0' && len > 1))
		return -1;
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		*out = *out * 10 + (uint64_t)(s[i] - '0');
	}
	return 0;
}

static int
parse_mode(struct fields *f, struct entry *e)
{
	size_t len = 0, i;
	const char *s = next_field(f, &len);

	if (!s || len != 3)
		return -1;
	e->mode = 0;
	for (i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '7')
			return -1;
		e->mode = (uint16_t)(e->mode << 3 | (s[i] - '0'));
	}
	return 0;
}

static int
parse_digest(struct fields *f, uint8_t out[static DIGEST_SIZE])
{
	size_t len = 0;
	const char *s = next_field(f, &len);

	return s && len == DIGEST_HEX ? digest_from_hex(s, out) : -1;
}

static int
parse_size(struct fields *f, uint64_t *out)
{
	size_t len = 0;
	const char *s = next_field(f, &len);

	return s ? parse_number(s, len, out) : -1;
}

/* The path is the rest of the line; a TAB in it is a control character. */
static int
parse_path(struct manifest *m, struct fields *f, struct entry *e,
	struct error *err)
{
	const char *why;
	size_t len;

	if (!f->at)
		return error_set(err, "manifest: a line without a path");
	len = (size_t)(f->end - f->at);
	why = path_refuse(f->at, len);
	if (why)
		return error_set(err,
			"manifest: a path that cannot be (%s): '%.*s'", why,
			(int)(len > 200 ? 200 : len), f->at);
	e->path = arena_strndup(&m->arena, f->at, len);
	return 0;
}

static int
parse_target(struct manifest *m, struct fields *f, struct entry *e)
{
	size_t len = 0;
	const char *s = next_field(f, &len);

	size_t i;

	if (!s || len == 0 || len > TARGET_MOST)
		return -1;
	for (i = 0; i < len; i++)
		if (iscntrl((unsigned char)s[i]))
			return -1;
	e->target = arena_strndup(&m->arena, s, len);
	return 0;
}

int
manifest_parse_entry(struct manifest *m, const char *line, size_t len,
	struct entry *e, struct error *err)
{
	struct fields f = { line, line + len };
	size_t n = 0;
	const char *type = next_field(&f, &n);
	int bad = type && n == 1 ? 0 : -1;

	memset(e, 0, sizeof(*e));
	e->type = bad ? 0 : *type;
	if (e->type == ENTRY_DIRECTORY)
		bad = parse_mode(&f, e);
	else if (e->type == ENTRY_FILE)
		bad = parse_mode(&f, e) || parse_size(&f, &e->size) ||
			parse_digest(&f, e->digest);
	else if (e->type == ENTRY_LINK)
		bad = parse_target(m, &f, e);
	else
		bad = -1;
	if (bad)
		return error_set(err, "manifest: malformed line '%.*s'",
			(int)(len > 200 ? 200 : len), line);
	return parse_path(m, &f, e, err);
}

void
manifest_reader_init(struct manifest_reader *r, struct manifest *m,
	const struct manifest *base, uint64_t most_entries)
{
	memset(r, 0, sizeof(*r));
	r->m = m;
	r->base = base;
	r->most_entries = most_entries;
}

void
manifest_reader_release(struct manifest_reader *r)
{
	free(r->chunks);
	buf_release(&r->rest);
}

/*
 * The chunks of the last file must add up to it before anything follows; they
 * become its.
 */
static int
end_chunks(struct manifest_reader *r, struct error *err)
{
	struct entry *e;
	struct chunks *c;

	if (!r->n_chunks)
		return 0;
	e = &r->m->v[r->m->n - 1];
	if (r->chunk_bytes != e->size)
		return error_set(err,
			"manifest: the chunks of %s do not add up", e->path);
	c = arena_alloc(&r->m->arena, sizeof(*c) + r->n_chunks * sizeof(*c->v));
	c->n = (uint32_t)r->n_chunks;
	memcpy(c->v, r->chunks, r->n_chunks * sizeof(*c->v));
	e->chunks = c;
	r->n_chunks = 0;
	r->chunk_bytes = 0;
	return 0;
}

/* Whether the last entries hold path's parent directory. */
static bool
parent_known(const struct manifest *m, const char *path)
{
	const char *leaf = path_leaf(path);
	char parent[PATH_MOST + 1];
	const struct entry *e;

	if (leaf == path)
		return true;
	memcpy(parent, path, (size_t)(leaf - path) - 1);
	parent[leaf - path - 1] = '\0';
	e = manifest_find(m, parent);
	return e && e->type == ENTRY_DIRECTORY;
}

/* Whether path has the same parent as the entry before it, or is in it. */
static bool
parent_near(const struct manifest *m, const char *path)
{
	const struct entry *last = &m->v[m->n - 1];
	size_t len = (size_t)(path_leaf(path) - path);

	if (len == 0)
		return true;
	if (last->type == ENTRY_DIRECTORY && strlen(last->path) == len - 1 &&
		!memcmp(last->path, path, len - 1))
		return true;
	return (size_t)(path_leaf(last->path) - last->path) == len &&
		!memcmp(last->path, path, len);
}

/* Appends an entry that is complete, its strings in the arena. */
static int
append(struct manifest_reader *r, const struct entry *e, struct error *err)
{
	struct manifest *m = r->m;
	struct entry *copy;

	assert(e->path);
	if (end_chunks(r, err) < 0)
		return -1;
	if (r->most_entries && m->n >= r->most_entries)
		return error_status(err, STATUS_REFUSED,
			"the tree has more than %llu entries",
			(unsigned long long)r->most_entries);
	if (m->n && path_compare(m->v[m->n - 1].path, e->path) >= 0)
		return error_set(err, "manifest: %s stands behind %s", e->path,
			m->v[m->n - 1].path);
	if (!(m->n && parent_near(m, e->path)) && !parent_known(m, e->path))
		return error_set(err, "manifest: %s has no directory line",
			e->path);
	MEM_GROW(m->v, m->n, m->cap);
	copy = &m->v[m->n++];
	*copy = *e;
	copy->line = ++m->lines;
	return 0;
}

/* One more chunk of the last entry. */
static int
append_chunk(struct manifest_reader *r, uint64_t length,
	const uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct manifest *m = r->m;
	const struct entry *e = m->n ? &m->v[m->n - 1] : NULL;
	struct chunk *c;

	if (!e || e->type != ENTRY_FILE || length == 0 ||
		length > MANIFEST_CHUNK_MOST)
		return error_set(err, "manifest: malformed chunk line");
	if (length > e->size - r->chunk_bytes)
		return error_set(err,
			"manifest: the chunks of %s do not add up", e->path);
	if (m->lines == UINT32_MAX || m->lines - m->n >= MANIFEST_CHUNKS_MOST)
		return error_status(err, STATUS_REFUSED,
			"the tree has too many chunks");
	MEM_GROW(r->chunks, r->n_chunks, r->cap_chunks);
	c = &r->chunks[r->n_chunks++];
	c->offset = r->chunk_bytes;
	memcpy(c->digest, digest, DIGEST_SIZE);
	r->chunk_bytes += length;
	m->lines++;
	return 0;
}

static int
read_chunk(struct manifest_reader *r, const char *line, size_t len,
	struct error *err)
{
	struct fields f = { line + 2, line + len };
	uint8_t digest[DIGEST_SIZE];
	uint64_t length;

	if (parse_size(&f, &length) < 0 || parse_digest(&f, digest) < 0 || f.at)
		return error_set(err, "manifest: malformed chunk line");
	return append_chunk(r, length, digest, err);
}

/* An entry of the base, without its chunks. */
static int
keep_entry(struct manifest_reader *r, const struct entry *old,
	struct error *err)
{
	struct entry e = *old;

	if (e.type != ENTRY_LINK)
		e.chunks = NULL;
	return append(r, &e, err);
}

/*
 * Keeps up to `most` entries behind one that was kept, and returns how many.
 * They need no check: the one before stands before them in the base too, and
 * all directories that it is in were kept.
 */
static uint64_t
keep_run(struct manifest_reader *r, uint64_t most)
{
	const struct manifest *base = r->base;
	struct manifest *m = r->m;
	uint64_t n = 0;

	if (!r->next || !m->n || r->next_line || r->n_chunks ||
		m->v[m->n - 1].path != base->v[r->next - 1].path)
		return 0;
	for (; n < most && r->next < base->n; n++) {
		const struct entry *e = &base->v[r->next];

		if (entry_lines(e) > 1 ||
			(r->most_entries && m->n >= r->most_entries))
			break;
		MEM_GROW(m->v, m->n, m->cap);
		m->v[m->n] = *e;
		m->v[m->n++].line = ++m->lines;
		r->next++;
	}
	return n;
}

/* The next line of the base, which is kept or passed over. */
static int
apply_line(struct manifest_reader *r, bool keep, struct error *err)
{
	const struct entry *e = &r->base->v[r->next];
	uint32_t line = r->next_line++;

	if (r->next_line == entry_lines(e)) {
		r->next_line = 0;
		r->next++;
	}
	if (!keep)
		return 0;
	if (line == 0)
		return keep_entry(r, e, err);
	return append_chunk(r, chunk_length(e, line - 1),
		e->chunks->v[line - 1].digest, err);
}

/* "=N" and "-N" of a difference. */
static int
apply_run(struct manifest_reader *r, const char *line, size_t len,
	struct error *err)
{
	uint64_t n;

	if (!r->base || parse_number(line + 1, len - 1, &n) < 0 || n == 0)
		return error_set(err, "manifest: a malformed difference");
	while (n && r->next < r->base->n) {
		if (apply_line(r, *line == '=', err) < 0)
			return -1;
		n--;
		if (*line == '=')
			n -= keep_run(r, n);
	}
	return n ? error_set(err,
			   "manifest: a difference that does not "
			   "fit its base") :
		   0;
}

static int
finish(struct manifest_reader *r, const char *line, size_t len,
	struct error *err)
{
	struct fields f = { line + 4, line + len };
	uint8_t id[DIGEST_SIZE];

	if (end_chunks(r, err) < 0)
		return -1;
	if (parse_digest(&f, id) < 0 || f.at)
		return error_set(err, "manifest: malformed end line");
	if (r->base && r->next != r->base->n)
		return error_set(err,
			"manifest: a difference that leaves lines over");
	if (r->believes)
		memcpy(r->m->id, id, DIGEST_SIZE);
	else
		manifest_finish(r->m);
	if (memcmp(id, r->m->id, DIGEST_SIZE))
		return error_set(err, "manifest: the tree id does not agree");
	r->ended = true;
	return 0;
}

static int
read_line(struct manifest_reader *r, const char *line, size_t len,
	struct error *err)
{
	struct entry e;

	if (len >= 4 && !memcmp(line, "end\t", 4))
		return finish(r, line, len, err);
	if (len >= 2 && (*line == '=' || *line == '-'))
		return apply_run(r, line, len, err);
	if (len >= 2 && !memcmp(line, "c\t", 2))
		return read_chunk(r, line, len, err);
	if (manifest_parse_entry(r->m, line, len, &e, err) < 0)
		return -1;
	return append(r, &e, err);
}

int
manifest_reader_add(struct manifest_reader *r, const char *data, size_t len,
	struct error *err)
{
	r->bytes += len;
	if (r->most_bytes && r->bytes > r->most_bytes)
		return error_status(err, STATUS_REFUSED,
			"the manifest has more than %" PRIu64
			" bytes (max_manifest)",
			r->most_bytes);
	while (len) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) : len;

		if (r->ended)
			return error_set(err, "manifest: more behind the end");
		if (r->rest.len + n > MANIFEST_LINE_MOST)
			return error_set(err, "manifest: an overlong line");
		if (!nl || r->rest.len)
			buf_add(&r->rest, data, n);
		if (!nl)
			return 0;
		if (r->rest.len) {
			if (read_line(r, r->rest.data, r->rest.len, err) < 0)
				return -1;
			buf_clear(&r->rest);
		} else if (read_line(r, data, n, err) < 0) {
			return -1;
		}
		data = nl + 1;
		len -= n + 1;
	}
	return 0;
}
