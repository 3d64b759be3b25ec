#include "server/built.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/replace.h"
#include "tree/hash.h"

#define GONE '\0' /* an entry's type that is to be left out */

struct built {
	const struct manifest *m;
	struct manifest now; /* shares what m has */
	struct beneath at;
	size_t n; /* entries that differ */
};

/* Which no manifest has. */
static bool
has_control(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

static void
describe_link(struct built *b, int dir, const char *leaf, struct entry *e)
{
	char target[TARGET_MOST + 1];
	ssize_t n = readlinkat(dir, leaf, target, sizeof(target));

	if (n <= 0 || n > TARGET_MOST || has_control(target, (size_t)n))
		return;
	e->type = ENTRY_LINK;
	e->target = arena_strndup(&b->now.arena, target, (size_t)n);
}

static void
describe_file(int dir, const char *leaf, struct entry *e)
{
	struct error ignored = ERROR_INIT;
	struct stat st;

	if (hash_file(dir, leaf, &st, e->digest, &ignored) < 0)
		return;
	e->type = ENTRY_FILE;
	e->mode = st.st_mode & 0777;
	e->size = (uint64_t)st.st_size;
}

/* As it stands there; what cannot be in a tree is left out. */
static void
describe(struct built *b, struct entry *e)
{
	const char *leaf;
	struct stat st;
	int dir = beneath_at(&b->at, e->path, &leaf);

	*e = (struct entry){ .path = e->path, .type = GONE };
	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISREG(st.st_mode)) {
		describe_file(dir, leaf, e);
	} else if (S_ISLNK(st.st_mode)) {
		describe_link(b, dir, leaf, e);
	} else if (S_ISDIR(st.st_mode)) {
		e->type = ENTRY_DIRECTORY;
		e->mode = st.st_mode & 0777;
	}
}

static int
note_entry(void *arg, const struct entry *e, enum verify_how how)
{
	struct built *b = arg;

	describe(b, &b->now.v[e - b->m->v]);
	b->n++;
	return 0;
}

/* Without what is gone, nor what was below it. */
static void
close_up(struct built *b)
{
	struct manifest *m = &b->now;
	const char *below = NULL;
	size_t i, n = 0;

	for (i = 0; i < m->n; i++) {
		if (below && path_below(m->v[i].path, below))
			continue;
		below = m->v[i].type == ENTRY_DIRECTORY ||
				b->m->v[i].type != ENTRY_DIRECTORY ?
			NULL :
			m->v[i].path;
		if (m->v[i].type != GONE)
			m->v[n++] = m->v[i];
	}
	m->n = n;
	manifest_number(m);
	manifest_finish(m);
}

static int
write_piece(const char *data, size_t len, void *arg)
{
	return replace_write(arg, data, len);
}

static int
save(const struct store *s, const char *id, struct built *b, struct error *err)
{
	struct replace file;
	char name[64];

	close_up(b);
	snprintf(name, sizeof(name), "%s.built", id);
	if (store_begin(s, "records", name, &file, err) < 0)
		return -1;
	if (manifest_difference_text(b->m, &b->now, write_piece, &file) < 0)
		return store_give_up(&file, name, err);
	return store_end(s, &file, name, err);
}

int
built_note(const struct store *s, const char *id, const struct manifest *m,
	const struct verify_options *o, struct error *err)
{
	struct built b = { .m = m };
	char path[64];
	int dir, rc;

	snprintf(path, sizeof(path), "releases/%s", id);
	dir = beneath_open(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_errno(err, "cannot open %s", path);
	manifest_share(&b.now, m);
	beneath_init(&b.at, dir);
	rc = verify_tree(dir, m, o, note_entry, &b, err);
	if (rc == 0 && b.n)
		rc = save(s, id, &b, err);
	beneath_release(&b.at);
	manifest_release(&b.now);
	io_close(&dir);
	return rc;
}

int
built_load(const struct store *s, const struct record *r, struct manifest *m,
	struct error *err)
{
	struct manifest base = MANIFEST_INIT;
	uint8_t digest[DIGEST_SIZE];
	char name[64];
	int fd, rc;

	if (store_load_manifest(s, r->manifest, m, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "records/%s.built", r->id);
	fd = openat(s->own, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", name);
	base = *m;
	*m = (struct manifest)MANIFEST_INIT;
	rc = manifest_read(m, &base, fd, digest, err);
	manifest_adopt(m, &base);
	io_close(&fd);
	return rc < 0 ? error_prefix(err, "%s: ", name) : 0;
}
