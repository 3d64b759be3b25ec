#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/rmtree.h"
#include "server/copy.h"
#include "server/release_reader.h"

/* The time of a directory that is to be set in any case. */
#define NEVER INT64_MIN

/* What a spare moves about goes through here, and is lost if it is killed. */
#define SPARE_TMP "trash/spare"

/* One staging. */
struct stage {
	struct store *s;
	struct plan *p;
	const struct stage_options *o;
	int next, tmp;
	struct beneath at; /* in next/ */
	struct release_reader releases;
	bool *touched;  /* by place in m: made or changed, so to be synced */
	size_t written; /* how many of them */
	const struct origin *changed; /* before it was copied, or while */
	const char *parent; /* of the path whose directory was noted last */
	bool blocked;       /* by what is not ours, or is held fast */
	struct error *err;
};

static void
touch(struct stage *t, const struct entry *e)
{
	size_t place = (size_t)(e - t->p->m->v);

	t->written += !t->touched[place];
	t->touched[place] = true;
}

static int
failed(struct stage *t, const char *path)
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

static void
hex_name(const struct supply *u, char hex[static DIGEST_HEX + 1])
{
	digest_to_hex(u->digest, hex);
}

/* The directory that path stands in gets its time anew. */
static void
touch_parent(struct stage *t, const char *path)
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

/* Moves what is wanted elsewhere out of next/'s way, into tmp/HEX. */
static int
salvage(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->n; i++) {
		struct supply *u = &t->p->v[i];
		char hex[DIGEST_HEX + 1];
		const char *leaf;
		int dir;

		if (u->where != SUPPLY_NEXT)
			continue;
		hex_name(u, hex);
		dir = beneath_at(&t->at, u->path, &leaf);
		if (dir < 0 || renameat(dir, leaf, t->tmp, hex) < 0)
			return failed(t, u->path);
		touch_parent(t, u->path);
		u->where = SUPPLY_TMP;
	}
	return 0;
}

/* Some of the strays are only said to be there. */
static bool
is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Removes all that does not belong. */
static int
sweep(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->strays.n; i++) {
		const char *path = t->p->strays.v[i], *leaf;
		int dir = beneath_at(&t->at, path, &leaf);

		if (dir < 0 ? !is_missing(errno) : rmtree_at(dir, leaf) < 0)
			return failed(t, path);
		touch_parent(t, path);
		if (busy_turn(t->o->busy, t->err) < 0)
			return -1;
	}
	return 0;
}

void
stage_sweep(struct store *s, const struct plan *p)
{
	struct beneath at;
	const char *leaf;
	size_t i;
	int next, dir;

	for (i = 0; i < p->n; i++)
		if (p->v[i].where == SUPPLY_NEXT)
			return;
	next = openat(s->own, store_next(s),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	beneath_init(&at, next);
	for (i = 0; next >= 0 && i < p->strays.n; i++) {
		dir = beneath_at(&at, p->strays.v[i], &leaf);
		if (dir >= 0)
			(void)rmtree_at(dir, leaf);
	}
	beneath_release(&at);
	io_close(&next);
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
	hex_name(u, hex);
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
		hex_name(u, hex);
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

static int
make_entry(struct stage *t, const struct entry *e)
{
	const char *leaf;
	int dir = beneath_at(&t->at, e->path, &leaf), rc = -1;

	if (dir < 0)
		return failed(t, e->path);
	touch(t, e);
	touch_parent(t, e->path);
	if (e->type == ENTRY_DIRECTORY)
		rc = make_directory(t, dir, leaf, e);
	else if ((e->type == ENTRY_LINK ? symlinkat(e->target, dir, leaf) :
					  make_file(t, dir, leaf, e)) == 0)
		rc = set_new(t, dir, leaf, e);
	return rc < 0 ? failed(t, e->path) : busy_turn(t->o->busy, t->err);
}

/* Mode and time, touched only where they differ: ctime is our witness. */
static int
adjust_entry(struct stage *t, const struct entry *e)
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
	touch(t, e);
	if (dir < 0 ||
		(seen->mode != mode &&
			io_chmod_at(dir, leaf, mode) < 0) ||
		(seen->mtime != ns && set_times(dir, leaf, ns) < 0) ||
		fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(t, e->path);
	/* A directory that was not there stays one when it is synced. */
	plan_note(t->p, place, &st,
		seen->place == PLACE_SYNCED ? PLACE_HASHED :
					      (enum plan_place)seen->place);
	return 0;
}

static int
make_entries(struct stage *t)
{
	const struct manifest *m = t->p->m;
	size_t i;

	t->parent = NULL;
	for (i = 0; i < m->n; i++) {
		bool there = t->p->seen[i].place != PLACE_NOT;

		if (there && m->v[i].type == ENTRY_DIRECTORY)
			continue;
		if ((there ? adjust_entry(t, &m->v[i]) :
			     make_entry(t, &m->v[i])) < 0)
			return -1;
	}
	return 0;
}

/* Directories last, the deepest first: their times are final then. */
static int
finish_directories(struct stage *t)
{
	size_t i;

	for (i = t->p->m->n; i-- > 0;)
		if (t->p->m->v[i].type == ENTRY_DIRECTORY &&
			adjust_entry(t, &t->p->m->v[i]) < 0)
			return -1;
	return 0;
}

/* What is not vouched for was written by who knows whom, and when. */
static void
touch_unsynced(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->m->n; i++)
		if (t->p->seen[i].place == PLACE_UNSETTLED ||
			t->p->seen[i].place == PLACE_HASHED)
			touch(t, &t->p->m->v[i]);
}

/* Makes all of next/, and leaves what is to be on disk in t->touched. */
static int
make_tree(struct stage *t)
{
	if (fchmod(t->next, 0755) < 0)
		return failed(t, "next");
	touch_unsynced(t);
	if (salvage(t) < 0 || sweep(t) < 0)
		return -1;
	beneath_forget(&t->at);
	if (make_entries(t) < 0 || finish_directories(t) < 0)
		return -1;
	return fchmod(t->next, 0755 & ~t->o->umask) < 0 ? failed(t, "next") : 0;
}

static bool
open_next(struct stage *t)
{
	t->next = openat(t->s->own, store_next(t->s),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	beneath_init(&t->at, t->next);
	return t->next >= 0;
}

/*
 * Once more, in a next/ that is new, with what was of use in the one that
 * something is in the way of: trash/ may keep that.
 */
static int
start_afresh(struct stage *t)
{
	t->blocked = false;
	if (stage_take_out(t->p, t->next, t->tmp) < 0 ||
		store_discard(t->s, store_next(t->s), NULL) < 0 ||
		store_make_apart(t->s, store_next(t->s)) < 0)
		return -1;
	beneath_release(&t->at);
	io_close(&t->next);
	memset(t->touched, 0, t->p->m->n * sizeof(*t->touched));
	t->written = 0;
	if (!open_next(t))
		return -1;
	*t->err = (struct error)ERROR_INIT;
	t->parent = NULL;
	return make_tree(t);
}

static int
run_stage(struct stage *t)
{
	struct stage_synced synced = { .p = t->p, .touched = t->touched };

	/* A spare is not worth it. */
	if (make_tree(t) < 0 &&
		(!t->blocked || t->o->spare || start_afresh(t) < 0))
		return -1;
	if (t->o->spare)
		return 0;
	synced.next = t->next;
	synced.n = t->written;
	if (stage_sync_touched(t->s, &synced, t->err) < 0) {
		stage_distrust(t->s);
		stage_clear_tmp(t->s);
		return -1;
	}
	return stage_save_index(t->s, t->p, true, t->err);
}

int
stage_tree(struct store *s, struct plan *p, const struct stage_options *o,
	struct error *err)
{
	struct stage t = {
		.s = s, .p = p, .o = o, .err = err, .next = -1, .tmp = -1
	};
	int rc = -1;

	if ((p->fresh && store_discard(s, store_next(s), NULL) < 0) ||
		store_make_apart(s, store_next(s)) < 0) {
		error_errno(err, "cannot make next/");
		return store_trouble(err);
	}
	if (!o->spare && !s->bypass)
		unlinkat(s->own, "next.spare", 0);
	if (o->spare)
		(void)beneath_mkdir(s->own, SPARE_TMP, 0700);
	t.tmp = beneath_open(s->own, o->spare ? SPARE_TMP : "tmp",
		O_RDONLY | O_DIRECTORY, 0);
	t.touched = mem_zalloc(p->m->n, sizeof(*t.touched));
	release_reader_init(&t.releases, s);
	if (!open_next(&t) || t.tmp < 0)
		error_errno(err, "cannot open the staging directories");
	else
		rc = run_stage(&t);
	beneath_release(&t.at);
	release_reader_release(&t.releases);
	free(t.touched);
	io_close(&t.next);
	io_close(&t.tmp);
	return rc;
}
