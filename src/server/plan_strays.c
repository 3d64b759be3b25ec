/* What lies in next/ and does not belong where it is: it may serve elsewhere. */
#include "server/plan_parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/path.h"

/* What is not ours we can neither move nor give another mode. */
bool
plan_is_ours(const struct plan_walk *w, const struct stat *st)
{
	return st->st_uid == w->user;
}

/*
 * A directory that a release had closed to its owner is opened up, for what
 * is in it may go elsewhere.
 */
int
plan_open_directory(struct plan_search *x, int dir, const char *name,
	struct stat *st)
{
	if (!x->o->look && (st->st_mode & 0700) != 0700 &&
		io_chmod_at(dir, name, 0700) == 0)
		st->st_mode = S_IFDIR | 0700;
	return openat(dir, name, PLAN_DIRECTORY);
}

/* What the index knows and the manifest does not; it may be there or not. */
int
plan_unknown(struct plan_walk *w)
{
	struct plan *p = w->x->p;
	const struct manifest *m = p->m;
	const char *last = NULL;
	size_t i, j = 0;

	for (i = 0; i < index_count(w->index); i++) {
		const char *path = index_path(w->index, i);
		int order = 1;

		if (!path)
			return error_set(w->x->err,
				"next.index changed while it was read");
		while (j < m->n && strcmp(m->v[j].path, path) != 0 &&
			path_compare(m->v[j].path, path) < 0)
			j++;
		if (j < m->n)
			order = strcmp(m->v[j].path, path);
		if (order == 0 || (last && path_below(path, last)))
			continue;
		strv_add(&p->strays, path);
		last = p->strays.v[p->strays.n - 1];
	}
	return 0;
}

static int explore(struct plan_walk *w, int dir, const char *name,
	struct buf *path);

/* Takes fd; path is the directory's, and restored. */
static int
explore_directory(struct plan_walk *w, int fd, struct buf *path)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t len = path->len;
	const char *name;
	int rc = 0;

	if (!dir) {
		io_close(&fd);
		return 0;
	}
	while (rc == 0 && w->x->missing && io_next_name(dir, &name) > 0) {
		buf_addf(path, "/%s", name);
		if (path->len <= PATH_MOST)
			rc = explore(w, fd, name, path);
		buf_truncate(path, len);
	}
	closedir(dir);
	return rc;
}

/* Whether something that does not belong where it is serves elsewhere. */
static int
explore(struct plan_walk *w, int dir, const char *name, struct buf *path)
{
	uint8_t digest[DIGEST_SIZE];
	struct supply *u;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!plan_is_ours(w, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return explore_directory(w,
			plan_open_directory(w->x, dir, name, &st), path);
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return 0;
	if (!index_get(w->index, path->data, &st, digest) &&
		plan_hash(w->x, dir, name, digest) < 0)
		return 0;
	u = plan_find(w->x, digest);
	if (u && u->where == SUPPLY_NONE && u->size == (uint64_t)st.st_size)
		plan_set(w->x, u, SUPPLY_NEXT,
			arena_strndup(&w->x->p->arena, path->data, path->len));
	return busy_turn(w->x->o->busy, w->x->err);
}

int
plan_strays(struct plan_walk *w, int next)
{
	const struct strv *strays = &w->x->p->strays;
	struct buf path = BUF_INIT;
	struct beneath at;
	const char *leaf;
	size_t i;
	int dir, rc = 0;

	beneath_init(&at, next);
	for (i = 0; rc == 0 && w->x->missing && i < strays->n; i++) {
		buf_clear(&path);
		buf_addstr(&path, strays->v[i]);
		dir = beneath_at(&at, strays->v[i], &leaf);
		if (dir >= 0)
			rc = explore(w, dir, leaf, &path);
	}
	beneath_release(&at);
	buf_release(&path);
	return rc;
}
