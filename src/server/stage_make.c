/* One entry of a tree: made out of its supply, or given its mode and time. */
#include "server/stage_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "server/copy.h"

/* The time of a directory that is to be set in any case. */
#define NEVER INT64_MIN

void
stage_touch(struct stage *t, const struct entry *e)
{
	size_t place = (size_t)(e - t->p->m->v);

	t->written += !t->touched[place];
	t->touched[place] = true;
}

void
stage_touch_parent(struct stage *t, const char *path)
{
	size_t len = (size_t)(path_leaf(path) - path);
	char parent[PATH_MOST + 1];
	struct entry *e;

	if (len == 0 || len > PATH_MOST ||
		(t->parent && !strncmp(t->parent, path, len) &&
			path_leaf(t->parent) == t->parent + len))
		return;
	t->parent = path;
	memcpy(parent, path, len - 1);
	parent[len - 1] = '\0';
	e = manifest_find(t->p->m, parent);
	if (e)
		t->p->seen[e - t->p->m->v].mtime = NEVER;
}

int
stage_failed(struct stage *t, const char *path)
{
	if (t->changed) {
		t->p->outdated = true;
		error_status(t->err, STATUS_TRANSFER,
			"releases/%s/%s was changed while it was copied",
			t->changed->release, t->changed->path);
		return error_hint(t->err, "deploy again");
	}
	t->blocked = errno == EACCES || errno == EPERM || errno == EBUSY ||
		errno == ENOTEMPTY;
	error_errno(t->err, "cannot stage %s", path);
	return store_trouble(t->err);
}

/* Ours while files go in; the mode is set at the end. */
static int
make_directory(struct stage *t, int dir, const char *leaf,
	const struct entry *e)
{
	struct plan_seen *seen = &t->p->seen[e - t->p->m->v];

	if (mkdirat(dir, leaf, 0700) < 0)
		return -1;
	seen->mode = 0700;
	seen->mtime = NEVER;
	return 0;
}

static int
set_times(int dir, const char *leaf, int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };
	struct timespec times[2] = { t, t };

	return utimensat(dir, leaf, times, AT_SYMLINK_NOFOLLOW);
}

/* Opens where a supply's bytes are; -1 with errno. */
static int
open_supply(struct stage *t, const struct supply *u)
{
	char hex[DIGEST_HEX + 1];

	if (u->where == SUPPLY_KEPT)
		return beneath_open_file(t->next, u->path);
	if (u->where == SUPPLY_RELEASE)
		return release_reader_open(&t->releases, u->origin->release,
			u->origin->path);
	digest_to_hex(u->digest, hex);
	return beneath_open_file(t->tmp, hex);
}

/* Whether what was copied is what was found to be right: -1 with ESTALE. */
static int
check_copy(const struct supply *u, int in, int out)
{
	uint8_t digest[DIGEST_SIZE];
	struct index_stat now;
	struct digest *d;
	struct stat st;
	bool same;

	if (fstat(in, &st) < 0)
		return -1;
	now = index_stat_of(&st);
	same = now.inode == u->origin->was.inode &&
		now.size == u->origin->was.size &&
		now.mtime == u->origin->was.mtime &&
		now.ctime == u->origin->was.ctime;
	if (same && !u->origin->settled) {
		d = digest_new();
		same = lseek(out, 0, SEEK_SET) == 0 &&
			digest_fd(d, out, digest) >= 0 &&
			!memcmp(digest, u->digest, DIGEST_SIZE);
		digest_free(d);
	}
	if (same)
		return 0;
	errno = ESTALE;
	return -1;
}

static int
copy_supply(struct stage *t, const struct supply *u, int out)
{
	int in, rc = -1;

	if (u->where == SUPPLY_EMPTY)
		return 0;
	in = open_supply(t, u);
	if (in >= 0)
		rc = copy_file(in, out);
	if (rc == 0 && u->where == SUPPLY_RELEASE)
		rc = check_copy(u, in, out);
	io_close(&in);
	if (rc < 0 && errno == ESTALE && u->where == SUPPLY_RELEASE)
		t->changed = u->origin;
	return rc;
}

static int
make_file(struct stage *t, int dir, const char *leaf, const struct entry *e)
{
	struct supply *u = plan_supply(t->p, e);
	char hex[DIGEST_HEX + 1];
	int out, rc;

	u->users--;
	if (u->where == SUPPLY_TMP && u->users == 0) {
		digest_to_hex(u->digest, hex);
		return renameat(t->tmp, hex, dir, leaf);
	}
	/* One that is closed to its owner still is open here. */
	out = openat(dir, leaf,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		e->mode & ~t->o->umask);
	rc = out < 0 ? -1 : copy_supply(t, u, out);
	io_close(&out);
	return rc;
}

/* A new file or link gets what it shall have, and is noted for the index. */
static int
set_new(struct stage *t, int dir, const char *leaf, const struct entry *e)
{
	size_t place = (size_t)(e - t->p->m->v);
	mode_t mode = e->mode & ~t->o->umask;
	struct stat st;

	if (set_times(dir, leaf, t->o->times[place]) < 0)
		return -1;
	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (e->type != ENTRY_LINK && (st.st_mode & 07777) != mode &&
		(io_chmod_at(dir, leaf, mode) < 0 ||
			fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0))
		return -1;
	plan_note(t->p, place, &st, PLACE_HASHED);
	return 0;
}

int
stage_make_entry(struct stage *t, const struct entry *e)
{
	const char *leaf;
	int dir = beneath_at(&t->at, e->path, &leaf), rc = -1;

	if (dir < 0)
		return stage_failed(t, e->path);
	stage_touch(t, e);
	stage_touch_parent(t, e->path);
	if (e->type == ENTRY_DIRECTORY)
		rc = make_directory(t, dir, leaf, e);
	else if ((e->type == ENTRY_LINK ? symlinkat(e->target, dir, leaf) :
					  make_file(t, dir, leaf, e)) == 0)
		rc = set_new(t, dir, leaf, e);
	return rc < 0 ? stage_failed(t, e->path) :
			busy_turn(t->o->busy, t->err);
}

int
stage_adjust_entry(struct stage *t, const struct entry *e)
{
	size_t place = (size_t)(e - t->p->m->v);
	struct plan_seen *seen = &t->p->seen[place];
	mode_t mode = e->type == ENTRY_LINK ? seen->mode :
					      e->mode & ~t->o->umask;
	int64_t ns = t->o->times[place];
	const char *leaf;
	struct stat st;
	int dir;

	if (seen->mode == mode && seen->mtime == ns)
		return 0;
	dir = beneath_at(&t->at, e->path, &leaf);
	stage_touch(t, e);
	if (dir < 0 ||
		(seen->mode != mode && io_chmod_at(dir, leaf, mode) < 0) ||
		(seen->mtime != ns && set_times(dir, leaf, ns) < 0) ||
		fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return stage_failed(t, e->path);
	/* A directory that was not there stays one when it is synced. */
	plan_note(t->p, place, &st,
		seen->place == PLACE_SYNCED ? PLACE_HASHED :
					      (enum plan_place)seen->place);
	return 0;
}
