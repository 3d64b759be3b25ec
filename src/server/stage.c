#include "server/stage.h"

#include <dirent.h>
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

/* One staging. */
struct stage {
	struct store *s;
	struct plan *p;
	const struct stage_options *o;
	int next, tmp;
	struct beneath at;      /* in next/ */
	struct beneath release; /* in the release last copied from */
	const char *release_id;
	int release_fd;
	bool *touched;  /* by place in m: made or changed, so to be synced */
	size_t written; /* how many of them */
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
	error_errno(t->err, "cannot stage %s", path);
	if (errno == ENOSPC || errno == EDQUOT)
		t->err->status = STATUS_REFUSED;
	return -1;
}

static void
hex_name(const struct supply *u, char hex[static DIGEST_HEX + 1])
{
	digest_to_hex(u->digest, hex);
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
		u->where = SUPPLY_TMP;
	}
	return 0;
}

/* Whether what stands at path in next/ may stay. */
static bool
belongs(const struct stage *t, const char *path, const struct stat *st)
{
	const struct entry *e = manifest_find(t->p->m, path);

	if (!e)
		return false;
	if (S_ISDIR(st->st_mode))
		return e->type == ENTRY_DIRECTORY;
	if (S_ISREG(st->st_mode))
		return e->type == ENTRY_FILE && t->p->in_place[e - t->p->m->v];
	return S_ISLNK(st->st_mode) && e->type == ENTRY_LINK;
}

/* One that a release had closed to its owner is opened up. */
static int
open_directory(int dir, const char *name, const struct stat *st)
{
	if ((st->st_mode & 0700) != 0700)
		(void)!fchmodat(dir, name, 0700, 0);
	return openat(dir, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Removes all that does not belong; takes fd, restores path. */
static int
sweep(struct stage *t, int fd, struct buf *path)
{
	DIR *dir = fdopendir(fd);
	size_t len = path->len;
	struct dirent *e;
	struct stat st;
	int rc = 0;

	if (!dir) {
		io_close(&fd);
		return failed(t, buf_str(path));
	}
	while (rc == 0 && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		buf_addstr(path, e->d_name);
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = failed(t, path->data);
		} else if (!belongs(t, path->data, &st)) {
			if (rmtree_at(fd, e->d_name) < 0)
				rc = failed(t, path->data);
		} else if (S_ISDIR(st.st_mode)) {
			int sub = open_directory(fd, e->d_name, &st);

			buf_addch(path, '/');
			rc = sub < 0 ? failed(t, path->data) :
				       sweep(t, sub, path);
		}
		buf_truncate(path, len);
	}
	closedir(dir);
	return rc;
}

static int
make_directory(struct stage *t, int dir, const char *leaf,
	const struct entry *e)
{
	struct stat st;

	/* Ours while files go in; the mode is set at the end. */
	if (mkdirat(dir, leaf, 0700) == 0) {
		touch(t, e);
		return 0;
	}
	if (errno != EEXIST || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(t, e->path);
	if ((st.st_mode & 0700) != 0700 && fchmodat(dir, leaf, 0700, 0) < 0)
		return failed(t, e->path);
	return 0;
}

static int
make_link(struct stage *t, int dir, const char *leaf, const struct entry *e)
{
	char old[TARGET_MOST + 1];
	ssize_t n = readlinkat(dir, leaf, old, sizeof(old));

	if (n >= 0 && (size_t)n == strlen(e->target) &&
		!memcmp(old, e->target, (size_t)n))
		return 0;
	if (n >= 0)
		unlinkat(dir, leaf, 0);
	if (symlinkat(e->target, dir, leaf) < 0)
		return failed(t, e->path);
	touch(t, e);
	return 0;
}

/* Opens a file of the release u->release, kept open for the next one. */
static int
open_in_release(struct stage *t, const struct supply *u)
{
	char name[64];
	const char *leaf;
	int dir;

	if (t->release_id != u->release) {
		snprintf(name, sizeof(name), "releases/%s", u->release);
		beneath_release(&t->release);
		io_close(&t->release_fd);
		t->release_fd = beneath_open(t->s->dir, name,
			O_PATH | O_DIRECTORY, 0);
		t->release_id = u->release;
		beneath_init(&t->release, t->release_fd);
	}
	dir = beneath_at(&t->release, u->path, &leaf);
	return dir < 0 ?
		-1 :
		openat(dir, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
}

/* Opens where a supply's bytes are; -1 with errno. */
static int
open_supply(struct stage *t, const struct supply *u)
{
	char hex[DIGEST_HEX + 1];

	if (u->where == SUPPLY_KEPT)
		return beneath_open(t->next, u->path, O_RDONLY, 0);
	if (u->where == SUPPLY_RELEASE)
		return open_in_release(t, u);
	hex_name(u, hex);
	return beneath_open(t->tmp, hex, O_RDONLY, 0);
}

static int
copy_supply(struct stage *t, const struct supply *u, int dir, const char *leaf)
{
	int out = openat(dir, leaf,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int in = -1, rc = -1;

	if (out < 0)
		return -1;
	if (u->where == SUPPLY_EMPTY) {
		rc = 0;
	} else {
		in = open_supply(t, u);
		if (in >= 0)
			rc = copy_file(in, out);
	}
	io_close(&in);
	io_close(&out);
	return rc;
}

static int
make_file(struct stage *t, int dir, const char *leaf, const struct entry *e)
{
	struct supply *u = plan_supply(t->p, e);
	char hex[DIGEST_HEX + 1];
	int rc;

	if (t->p->in_place[e - t->p->m->v])
		return 0;
	touch(t, e);
	u->users--;
	if (u->where == SUPPLY_TMP && u->users == 0) {
		hex_name(u, hex);
		rc = renameat(t->tmp, hex, dir, leaf);
	} else {
		rc = copy_supply(t, u, dir, leaf);
	}
	return rc < 0 ? failed(t, e->path) : 0;
}

static int
set_times(int dir, const char *leaf, int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };
	struct timespec times[2] = { t, t };

	return utimensat(dir, leaf, times, AT_SYMLINK_NOFOLLOW);
}

/* Mode and time, touched only where they differ: ctime is our witness. */
static int
set_attributes(struct stage *t, int dir, const char *leaf,
	const struct entry *e)
{
	int64_t ns = t->o->times[e - t->p->m->v];
	mode_t mode = e->mode & ~t->o->umask;
	struct stat st;

	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(t, e->path);
	if (e->type != ENTRY_LINK && (st.st_mode & 07777) != mode) {
		if (fchmodat(dir, leaf, mode, 0) < 0)
			return failed(t, e->path);
		touch(t, e);
	}
	if (st.st_mtim.tv_sec == ns / 1000000000 &&
		st.st_mtim.tv_nsec == ns % 1000000000)
		return 0;
	touch(t, e);
	return set_times(dir, leaf, ns) < 0 ? failed(t, e->path) : 0;
}

static int
make_entry(struct stage *t, const struct entry *e)
{
	const char *leaf;
	int dir = beneath_at(&t->at, e->path, &leaf);

	if (dir < 0)
		return failed(t, e->path);
	if (e->type == ENTRY_DIRECTORY)
		return make_directory(t, dir, leaf, e);
	if ((e->type == ENTRY_LINK ? make_link(t, dir, leaf, e) :
				     make_file(t, dir, leaf, e)) < 0)
		return -1;
	return set_attributes(t, dir, leaf, e);
}

static int
make_entries(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->m->n; i++) {
		if (make_entry(t, &t->p->m->v[i]) < 0 ||
			busy_turn(t->o->busy, t->err) < 0)
			return -1;
	}
	return 0;
}

/* Directories last, the deepest first: their times are final then. */
static int
finish_directories(struct stage *t)
{
	size_t i;

	for (i = t->p->m->n; i-- > 0;) {
		const struct entry *e = &t->p->m->v[i];
		const char *leaf;
		int dir;

		if (e->type != ENTRY_DIRECTORY)
			continue;
		dir = beneath_at(&t->at, e->path, &leaf);
		if (dir < 0)
			return failed(t, e->path);
		if (set_attributes(t, dir, leaf, e) < 0)
			return -1;
	}
	return 0;
}

/* Files that were only read are written by who knows whom, and when. */
static void
touch_unsynced(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->m->n; i++)
		if (t->p->in_place[i] == PLACE_HASHED)
			touch(t, &t->p->m->v[i]);
}

static int
run_stage(struct stage *t)
{
	struct buf path = BUF_INIT;
	int fd = fcntl(t->next, F_DUPFD_CLOEXEC, 3);
	int rc;

	/* A hook may have closed it to us. */
	if (fd < 0 || fchmod(fd, 0755) < 0)
		rc = failed(t, "next");
	else
		rc = salvage(t);
	if (rc < 0) {
		io_close(&fd);
		return -1;
	}
	/* Stale from here on: a crash must not find it. */
	unlinkat(t->s->own, "next.index", 0);
	rc = sweep(t, fd, &path);
	buf_release(&path);
	beneath_forget(&t->at);
	touch_unsynced(t);
	if (rc < 0 || make_entries(t) < 0 || finish_directories(t) < 0)
		return -1;
	if (fchmod(t->next, 0755 & ~t->o->umask) < 0)
		return failed(t, "next");
	if (stage_sync_touched(t->next, t->p->m, t->touched, t->written,
		    t->err) < 0)
		return -1;
	return stage_save_index(t->s, t->next, t->p->m, t->err);
}

int
stage_tree(struct store *s, struct plan *p, const struct stage_options *o,
	struct error *err)
{
	struct stage t = { .s = s,
		.p = p,
		.o = o,
		.err = err,
		.next = -1,
		.tmp = -1,
		.release_fd = -1 };
	int rc = -1;

	if (store_make_apart(s, "next") < 0) {
		error_errno(err, "cannot make next/");
		return store_trouble(err);
	}
	t.next = openat(s->own, "next",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	t.tmp = openat(s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	t.touched = mem_zalloc(p->m->n, sizeof(*t.touched));
	beneath_init(&t.at, t.next);
	beneath_init(&t.release, -1);
	if (t.next < 0 || t.tmp < 0)
		error_errno(err, "cannot open the staging directories");
	else
		rc = run_stage(&t);
	beneath_release(&t.at);
	beneath_release(&t.release);
	free(t.touched);
	io_close(&t.release_fd);
	io_close(&t.next);
	io_close(&t.tmp);
	return rc;
}
