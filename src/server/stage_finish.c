/* The last of a staging: what changed goes to disk, and into next.index. */
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
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

/* Syncs dir/name, unless it is closed to us as well. */
static int
sync_at(int dir, const char *name, int flags, enum pass pass)
{
	int fd = openat(dir, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return errno == EACCES ? 0 : -1;
	if (pass == PASS_WAIT)
		rc = fsync(fd);
	else
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	io_close(&fd);
	return rc;
}

/* An entry and the name that it has in its directory. */
static int
sync_entry(struct beneath *at, const struct entry *e, bool with_parent,
	enum pass pass)
{
	const char *leaf;
	int dir = beneath_at(at, e->path, &leaf);
	int rc = dir < 0 ? -1 : 0;

	if (rc == 0 && e->type == ENTRY_FILE)
		rc = sync_at(dir, leaf, O_NONBLOCK, pass);
	if (pass == PASS_BEGIN)
		return rc;
	if (rc == 0 && e->type == ENTRY_DIRECTORY)
		rc = sync_at(dir, leaf, O_DIRECTORY, pass);
	if (rc == 0 && with_parent)
		rc = sync_at(dir, ".", O_DIRECTORY, pass);
	return rc;
}

static bool
same_parent(const struct entry *a, const struct entry *b)
{
	size_t len = (size_t)(path_leaf(a->path) - a->path);

	return len == (size_t)(path_leaf(b->path) - b->path) &&
		!memcmp(a->path, b->path, len);
}

static int
failed(const char *path, struct error *err)
{
	error_errno(err, "cannot sync %s", path);
	return store_trouble(err);
}

static int
sync_pass(const struct stage_synced *t, enum pass pass, struct error *err)
{
	const struct entry *v = t->m->v, *last = NULL;
	struct beneath at;
	size_t i;
	int rc = 0;

	beneath_init(&at, t->next);
	for (i = 0; rc == 0 && i < t->m->n; i++) {
		if (!t->touched[i])
			continue;
		rc = sync_entry(&at, &v[i], !last || !same_parent(last, &v[i]),
			pass);
		if (rc < 0)
			failed(v[i].path, err);
		last = &v[i];
	}
	beneath_release(&at);
	return rc;
}

int
stage_sync_touched(const struct store *s, const struct stage_synced *t,
	struct error *err)
{
	if (s->relaxed)
		return 0;
	if (t->n > SYNC_FILES)
		return syncfs(t->next) < 0 ? failed("next", err) : 0;
	if (sync_pass(t, PASS_BEGIN, err) < 0 ||
		sync_pass(t, PASS_WAIT, err) < 0)
		return -1;
	return fsync(t->next) < 0 ? failed("next", err) : 0;
}

/*
 * A tick costs less than reading a large file again in the next deploys; none
 * but we are in next/, and what a build changes changes later.
 */
static void
let_large_pass(const struct plan *p)
{
	int64_t newest = INT64_MIN;
	size_t i;

	for (i = 0; i < p->m->n; i++) {
		const struct plan_seen *seen = &p->seen[i];

		if (p->m->v[i].type != ENTRY_FILE ||
			p->m->v[i].size <= LARGE_FILE)
			continue;
		if (seen->ctime > newest)
			newest = seen->ctime;
		if (seen->mtime > newest)
			newest = seen->mtime;
	}
	index_let_pass(newest);
}

int
stage_save_index(const struct store *s, const struct plan *p, bool all,
	struct error *err)
{
	const struct manifest *m = p->m;
	struct stat_index *x;
	size_t i;
	int rc;

	if (all)
		let_large_pass(p);
	x = index_new();
	for (i = 0; i < m->n; i++) {
		const struct plan_seen *seen = &p->seen[i];
		struct index_stat st = { .inode = seen->inode,
			.size = (int64_t)m->v[i].size,
			.mtime = seen->mtime,
			.ctime = seen->ctime };

		if (m->v[i].type == ENTRY_FILE &&
			(all || seen->place == PLACE_SYNCED))
			index_put_stat(x, m->v[i].path, &st, m->v[i].digest);
	}
	rc = index_save(x, s->own, store_next_index(s), err);
	index_free(x);
	return rc;
}
