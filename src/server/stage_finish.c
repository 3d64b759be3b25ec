/* The last of a staging: what changed goes to disk, and into next.index. */
#include "server/stage_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/path.h"
#include "tree/index.h"

/*
 * So many new files are synced one by one; beyond that the whole file system
 * is.  Beside a busy database 256 took 26 ms where syncfs took 1.4 s.
 */
#define SYNC_FILES 256

/* Larger ones are worth waiting for until the index vouches for them. */
#define LARGE_FILE (1024 * 1024)

enum pass {
	PASS_BEGIN, /* writing begins for all before the first is waited for */
	PASS_WAIT,
};

/*
 * All of the file system, through a handle that is older than what was
 * written: what failed is told to each that was open by then, but to one that
 * was opened later only if nobody has been told yet.
 */
static int
sync_all(const struct store *s)
{
	return syncfs(s->own);
}

/* Syncs dir/name. */
static int
sync_at(int dir, const char *name, int flags, enum pass pass)
{
	int fd = openat(dir, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -1;
	if (pass == PASS_WAIT)
		rc = io_fsync(fd);
	else
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	io_close(&fd);
	return rc;
}

static int
failed(const char *path, struct error *err)
{
	error_errno(err, "cannot sync %s", path);
	return store_trouble(err);
}

/* Marks the directory that holds an entry; next/ itself is synced anyway. */
static void
mark_parent(const struct manifest *m, const struct entry *e, bool *dirs)
{
	size_t len = (size_t)(path_leaf(e->path) - e->path);
	char parent[PATH_MOST + 1];
	const struct entry *p;

	if (len == 0 || len > PATH_MOST)
		return;
	memcpy(parent, e->path, len - 1);
	parent[len - 1] = '\0';
	p = manifest_find(m, parent);
	if (p)
		dirs[p - m->v] = true;
}

/*
 * The directories to sync: those touched, and those in which a name is new.
 * Such of a directory is so only if it was not there already.
 */
static bool *
directories(const struct plan *p, const bool *touched)
{
	const struct manifest *m = p->m;
	bool *dirs = mem_zalloc(m->n, sizeof(*dirs));
	size_t i;

	for (i = 0; i < m->n; i++) {
		bool is_dir = m->v[i].type == ENTRY_DIRECTORY;

		if (!touched[i])
			continue;
		dirs[i] |= is_dir;
		if (!is_dir || p->seen[i].place == PLACE_NOT)
			mark_parent(m, &m->v[i], dirs);
	}
	return dirs;
}

static int
sync_each(const struct store *s, const struct stage_synced *t,
	const bool *which, char type, enum pass pass, struct error *err)
{
	const struct manifest *m = t->p->m;
	int flags = type == ENTRY_DIRECTORY ? O_DIRECTORY : O_NONBLOCK;
	struct beneath at;
	size_t i;
	int rc = 0;

	beneath_init(&at, t->next);
	for (i = 0; rc == 0 && i < m->n; i++) {
		const char *leaf;
		int dir;

		if (!which[i] || m->v[i].type != type)
			continue;
		dir = beneath_at(&at, m->v[i].path, &leaf);
		rc = dir < 0 ? -1 : sync_at(dir, leaf, flags, pass);
		/* What is closed to its owner is synced with all else. */
		if (rc < 0 && errno == EACCES)
			rc = pass == PASS_WAIT ? sync_all(s) : 0;
		if (rc < 0)
			failed(m->v[i].path, err);
	}
	beneath_release(&at);
	return rc;
}

int
stage_sync(struct store *s, struct error *err)
{
	if (s->relaxed)
		return stage_note_unsynced(s, err);
	if (sync_all(s) == 0)
		return 0;
	s->unwritten = true;
	return failed("the release", err);
}

int
stage_sync_touched(const struct store *s, const struct stage_synced *t,
	struct error *err)
{
	bool *dirs;
	int rc = -1;

	if (s->relaxed)
		return stage_note_unsynced(s, err);
	if (t->n > SYNC_FILES)
		return sync_all(s) < 0 ? failed("next", err) : 0;
	dirs = directories(t->p, t->touched);
	if (sync_each(s, t, t->touched, ENTRY_FILE, PASS_BEGIN, err) == 0 &&
		sync_each(s, t, t->touched, ENTRY_FILE, PASS_WAIT, err) == 0 &&
		sync_each(s, t, dirs, ENTRY_DIRECTORY, PASS_WAIT, err) == 0)
		rc = io_fsync(t->next) < 0 ? failed("next", err) : 0;
	free(dirs);
	return rc;
}

void
stage_let_pass(const struct plan *p, uint64_t size)
{
	int64_t newest = INT64_MIN;
	size_t i;

	for (i = 0; i < p->m->n; i++) {
		const struct plan_seen *seen = &p->seen[i];

		if (size &&
			(p->m->v[i].type != ENTRY_FILE ||
				p->m->v[i].size < size))
			continue;
		if (seen->ctime > newest)
			newest = seen->ctime;
		if (seen->mtime > newest)
			newest = seen->mtime;
	}
	index_let_pass(newest);
}

/*
 * A file that is not vouched for gets an inode that none has: the index is to
 * have all names.
 */
static void
put_file(struct stat_index *x, const struct entry *e,
	const struct plan_seen *seen, bool vouched)
{
	const struct index_stat st = { .inode = vouched ? seen->inode : 0,
		.size = (int64_t)e->size,
		.mtime = seen->mtime,
		.ctime = seen->ctime };

	index_put_stat(x, e->path, &st, e->digest);
}

static void
put_other(struct stat_index *x, const struct entry *e,
	const struct plan_seen *seen, bool synced)
{
	const struct index_stat st = {
		.inode = seen->inode, .mtime = seen->mtime, .ctime = seen->ctime
	};
	const uint8_t digest[DIGEST_SIZE] = { synced ? 0 : PLAN_UNSYNCED };

	index_put_stat(x, e->path, &st, digest);
}

int
stage_save_index(const struct store *s, const struct plan *p, bool all,
	struct error *err)
{
	const struct manifest *m = p->m;
	struct stat_index *x;
	size_t i;
	int rc;

	/* None but we are in next/, and what a build changes changes later. */
	if (all)
		stage_let_pass(p, LARGE_FILE);
	x = index_new(s->own, store_next_index(s));
	for (i = 0; i < m->n; i++) {
		const struct plan_seen *seen = &p->seen[i];
		bool synced = all || seen->place == PLACE_SYNCED;

		if (m->v[i].type == ENTRY_FILE)
			put_file(x, &m->v[i], seen,
				synced && seen->place != PLACE_UNSETTLED);
		else
			put_other(x, &m->v[i], seen, synced);
	}
	rc = index_save(x, err);
	if (rc < 0)
		(void)store_trouble(err);
	index_free(x);
	return rc;
}
