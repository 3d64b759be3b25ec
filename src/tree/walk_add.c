/* Entering files and links in the manifest. */
#include "tree/walk.h"

#include <string.h>

#include "base/path.h"
#include "tree/chunk.h"
#include "tree/index.h"

/* The path as the manifest has it. */
const char *
walk_path(const struct walk *w)
{
	return buf_str(&w->path) + w->rules.prefix_len;
}

uint16_t
walk_mode(mode_t mode, bool exact)
{
	if (exact)
		return mode & 0777;
	return S_ISDIR(mode) || (mode & S_IXUSR) ? 0755 : 0644;
}

void
walk_refuse(struct walk *w, const char *why)
{
	refusals_add(&w->refusals, walk_path(w), why);
}

struct entry *
walk_add_entry(struct walk *w, const struct entry *like)
{
	struct entry e = *like;

	e.path = walk_path(w);
	return manifest_add(w->m, &e);
}

const char *
walk_refuse_target(const char *target, size_t n)
{
	size_t i;

	if (n == 0)
		return "an empty target";
	if (n > TARGET_MOST)
		return "its target is longer than 4095 bytes";
	for (i = 0; i < n; i++)
		if ((unsigned char)target[i] < 0x20 || target[i] == 0x7f)
			return "a control character in its target";
	return NULL;
}

void
walk_add_link(struct walk *w, const struct found *f)
{
	struct entry e = { .type = ENTRY_LINK, .target = f->target };

	walk_add_entry(w, &e);
}

void
walk_note_marker(struct scan_result *r, const char *path)
{
	static const char *const markers[] = { "package.json",
		"requirements.txt", "pyproject.toml", "go.mod", "Gemfile",
		"Cargo.toml", "composer.json", "Makefile", "Procfile",
		"pom.xml", "mix.exs" };
	size_t i;

	if (strchr(path, '/'))
		return; /* only the top's count */
	for (i = 0; i < sizeof(markers) / sizeof(*markers); i++)
		if (!strcmp(path, markers[i]))
			strv_add(&r->markers, path);
}

void
walk_add_file(struct walk *w, const struct found *f)
{
	const struct stat st = { .st_ino = f->inode,
		.st_size = f->size,
		.st_mtim = f->mtime,
		.st_ctim = f->ctime };
	struct entry e = { .type = ENTRY_FILE,
		.size = (uint64_t)f->size,
		.mode = walk_mode(f->mode, w->o->exact_modes) };
	struct entry *added;

	w->result->files++;
	walk_note_marker(w->result, walk_path(w));
	if (f->secret)
		strv_add(&w->result->secrets, walk_path(w));
	added = walk_add_entry(w, &e);
	if (!w->o->index ||
		!index_keep(w->o->index, added->path, &st, added->digest)) {
		hash_pool_add(w->pool, added->path, w->m->n - 1);
		return;
	}
	w->known += added->size;
	if (added->size > CHUNK_FILE)
		added->chunks = index_chunks(w->o->index, &w->m->arena);
	w->chunks += entry_lines(added) - 1;
}

/* What is too much for a manifest is not divided. */
static void
set_chunks(struct walk *w, struct entry *e, const struct chunks *c)
{
	if (w->chunks + c->n > MANIFEST_CHUNKS_MOST)
		return;
	w->chunks += c->n;
	e->chunks = manifest_add_chunks(w->m, c);
	if (w->o->index)
		index_put_chunks(w->o->index, c);
}

int
walk_collect(struct walk *w, struct error *err)
{
	const struct chunks *chunks;
	struct stat st;
	uint8_t digest[DIGEST_SIZE];
	size_t i;
	int more;

	while ((more = hash_pool_next(w->pool, &i, &st, digest, &chunks, err)) >
		0) {
		struct entry *e = &w->m->v[i];

		e->size = (uint64_t)st.st_size;
		e->mode = walk_mode(st.st_mode, w->o->exact_modes);
		memcpy(e->digest, digest, DIGEST_SIZE);
		if (w->o->index)
			index_put(w->o->index, e->path, &st, digest);
		if (chunks)
			set_chunks(w, e, chunks);
	}
	return more;
}
