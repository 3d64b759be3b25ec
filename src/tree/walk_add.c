/* Entering files and links in the manifest. */
#include "tree/walk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "tree/index.h"
#include "tree/secrets.h"

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

int
walk_refuse(struct walk *w, const char *why)
{
	refusals_add(&w->refusals, walk_path(w), why);
	return 0;
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

int
walk_add_link(struct walk *w, struct place *p, const char *name)
{
	char target[TARGET_MOST + 2];
	struct entry e = { .type = ENTRY_LINK, .target = target };
	ssize_t n = readlinkat(p->fd, name, target, sizeof(target) - 1);
	const char *why;

	if (n < 0)
		return walk_refuse(w, strerror(errno));
	why = walk_refuse_target(target, (size_t)n);
	if (why)
		return walk_refuse(w, why);
	target[n] = '\0';
	walk_add_entry(w, &e);
	return 0;
}

void
walk_note_marker(struct scan_result *r, const char *path)
{
	static const char *const markers[] = { "package.json",
		"requirements.txt", "pyproject.toml", "go.mod", "Gemfile",
		"Cargo.toml", "composer.json", "Makefile", "Procfile",
		"pom.xml", "mix.exs" };
	size_t i;

	/* A path without a slash is at the top. */
	for (i = 0; i < sizeof(markers) / sizeof(*markers); i++)
		if (!strcmp(path, markers[i]))
			strv_add(&r->markers, path);
}

int
walk_add_file(struct walk *w, struct place *p, const char *name,
	const struct stat *st)
{
	struct entry e = { .type = ENTRY_FILE,
		.size = (uint64_t)st->st_size,
		.mode = walk_mode(st->st_mode, w->o->exact_modes) };
	struct entry *added;

	if (st->st_mode & (S_ISUID | S_ISGID))
		return walk_refuse(w, "a set-user or set-group bit");
	w->result->files++;
	walk_note_marker(w->result, walk_path(w));
	if (secrets_look_like(p->fd, name))
		strv_add(&w->result->secrets, walk_path(w));
	added = walk_add_entry(w, &e);
	if (!w->o->index ||
		!index_keep(w->o->index, added->path, st, added->digest)) {
		hash_pool_add(w->pool, added->path, w->m->n - 1);
		return 0;
	}
	w->known += added->size;
	return 0;
}
