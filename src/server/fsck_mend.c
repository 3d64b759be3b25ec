/*
 * What of a release is made again: directories, links and modes out of its
 * manifest, files out of any release of the app that holds the same bytes.
 * Each is made in tmp/ and comes to its place by one rename; nothing in that
 * directory is new to others, so its time stays.
 */
#include "server/fsck_mend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/copy.h"
#include "server/times.h"
#include "tree/hash.h"

#define NAME "fsck" /* in tmp/: what is under way */

/* Where an entry stands; others are to find its directory as old as it was. */
struct place {
	int dir;
	const char *leaf;
	struct timespec times[2]; /* the directory's */
};

static bool
place_open(struct mend *w, const struct entry *e, struct place *p)
{
	int at = beneath_at(&w->at, e->path, &p->leaf);
	struct stat st;

	p->dir = at < 0 ? -1 :
			  openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0 || fstat(p->dir, &st) < 0) {
		io_close(&p->dir);
		return false;
	}
	p->times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	p->times[1] = st.st_mtim;
	return true;
}

/* What was done is on disk, or it was not done. */
static bool
place_close(struct mend *w, struct place *p, bool done)
{
	if (done) {
		(void)futimens(p->dir, p->times);
		done = store_fsync(w->f->s, p->dir) == 0;
	}
	io_close(&p->dir);
	return done;
}

/* What dir/name, which goes to `p', is to have, or else what is there has. */
static void
set_time(struct mend *w, const struct entry *e, int dir, const char *name,
	const struct place *p)
{
	const struct entry *was = manifest_find(&w->deployed, e->path);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_nsec = UTIME_OMIT } };
	struct stat st;

	if (was && w->times && entry_equal(was, e)) {
		int64_t ns = w->times[was - w->deployed.v];

		times[1].tv_sec = ns / 1000000000;
		times[1].tv_nsec = ns % 1000000000;
	} else if (fstatat(p->dir, p->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		times[1] = st.st_mtim;
	}
	(void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Puts tmp/fsck in its place. */
static bool
put(struct mend *w, const struct entry *e, const struct place *p)
{
	int saved;

	set_time(w, e, w->tmp, NAME, p);
	if (renameat(w->tmp, NAME, p->dir, p->leaf) == 0)
		return true;
	saved = errno;
	unlinkat(w->tmp, NAME, 0);
	errno = saved;
	return false;
}

/* What stands there instead goes away, unless it is a directory. */
static bool
make_directory(struct mend *w, const struct damage *d)
{
	mode_t mode = d->e->mode & ~w->umask;
	struct place p;
	bool done;

	if (!place_open(w, d->e, &p))
		return false;
	done = d->how != VERIFY_TYPE || unlinkat(p.dir, p.leaf, 0) == 0;
	done = done && (mkdirat(p.dir, p.leaf, mode) == 0 || errno == EEXIST) &&
		io_chmod_at(p.dir, p.leaf, mode) == 0;
	return place_close(w, &p, done);
}

static bool
make_link(struct mend *w, const struct damage *d)
{
	struct place p;
	bool done;

	if (!place_open(w, d->e, &p))
		return false;
	unlinkat(w->tmp, NAME, 0);
	done = symlinkat(d->e->target, w->tmp, NAME) == 0 && put(w, d->e, &p);
	return place_close(w, &p, done);
}

static bool
set_mode(struct mend *w, const struct damage *d)
{
	const char *leaf;
	int dir = beneath_at(&w->at, d->e->path, &leaf);

	return dir >= 0 && io_chmod_at(dir, leaf, d->e->mode & ~w->umask) == 0;
}

/* Whether it was closed to us only, and is what it should be. */
static bool
is_right_opened(struct mend *w, const struct damage *d)
{
	struct error ignored = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	const char *leaf;
	struct stat st;
	int dir = beneath_at(&w->at, d->e->path, &leaf);

	return !w->dry_run && dir >= 0 &&
		fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(st.st_mode & 07777) != (d->e->mode & ~w->umask) &&
		set_mode(w, d) &&
		hash_file(dir, leaf, &st, digest, &ignored) == 0 &&
		!memcmp(digest, d->e->digest, DIGEST_SIZE);
}

static bool
lacks_bytes(struct mend *w, const struct damage *d)
{
	return d->e->type == ENTRY_FILE && d->how != VERIFY_MODE &&
		(d->how != VERIFY_UNREADABLE || !is_right_opened(w, d));
}

/* Made again before it, as that which lies below it. */
static bool
is_below_mended(const struct mend *w, const struct entry *e)
{
	size_t i;

	for (i = 0; i < w->n_all; i++)
		if (w->all[i].mended && w->all[i].e != e &&
			path_below(e->path, w->all[i].e->path))
			return true;
	return false;
}

static bool
can_put(struct mend *w, const struct entry *e)
{
	struct place p;
	struct stat st;
	bool can;

	if (!place_open(w, e, &p))
		return false;
	can = faccessat(p.dir, ".", W_OK | X_OK, AT_EACCESS) == 0;
	if (can && e->type != ENTRY_DIRECTORY &&
		fstatat(p.dir, p.leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		can = false;
	}
	io_close(&p.dir);
	return can;
}

bool
mend_may_put(struct mend *w, struct damage *d)
{
	return can_put(w, d->e) ||
		(errno != EISDIR && is_below_mended(w, d->e));
}

static bool
may_set_mode(struct mend *w, struct damage *d)
{
	const char *leaf;
	struct stat st;
	int dir = beneath_at(&w->at, d->e->path, &leaf);

	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return is_below_mended(w, d->e);
	errno = EPERM;
	return geteuid() == 0 || st.st_uid == geteuid();
}

static bool
mend_without_bytes(struct mend *w, struct damage *d)
{
	if (w->dry_run)
		return d->how == VERIFY_MODE ? may_set_mode(w, d) :
					       mend_may_put(w, d);
	if (d->e->type == ENTRY_LINK)
		return make_link(w, d);
	if (d->how == VERIFY_MODE)
		return set_mode(w, d);
	return d->e->type == ENTRY_FILE || make_directory(w, d);
}

/* Directories come before what they hold. */
static void
mend_plain(struct mend *w, struct damage *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (lacks_bytes(w, &v[i]))
			w->wanted[w->n++] = &v[i];
		else if (mend_without_bytes(w, &v[i]))
			v[i].mended = true;
		else
			v[i].error = errno;
		beneath_forget(&w->at);
	}
}

/* What was copied is what counts. */
bool
mend_copy(struct mend *w, const struct entry *e, int in)
{
	struct place p;
	bool done;
	int out, saved;

	if (!place_open(w, e, &p))
		return false;
	unlinkat(w->tmp, NAME, 0);
	out = openat(w->tmp, NAME,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	done = out >= 0 && copy_file(in, out) == 0 &&
		mend_has_digest(w, out, e) &&
		fchmod(out, e->mode & ~w->umask) == 0 &&
		store_fsync(w->f->s, out) == 0 && put(w, e, &p);
	saved = errno;
	unlinkat(w->tmp, NAME, 0);
	io_close(&out);
	errno = saved;
	return place_close(w, &p, done);
}

/* An empty file is nowhere to be found, and needs not be. */
static void
make_empty(struct mend *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct damage *d = w->wanted[i];
		int in;

		if (d->e->size)
			continue;
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
		d->mended = w->dry_run ? mend_may_put(w, d) :
					 mend_copy(w, d->e, in);
		d->error = d->mended ? 0 : errno;
		io_close(&in);
	}
}

/* Now that all is in them; from below, as their own change their parents'. */
static void
set_directories(struct mend *w, const struct damage *v, size_t n)
{
	struct place p;

	while (n-- > 0) {
		if (v[n].e->type != ENTRY_DIRECTORY || !v[n].mended ||
			w->dry_run || !place_open(w, v[n].e, &p))
			continue;
		if (v[n].how != VERIFY_MODE)
			set_time(w, v[n].e, p.dir, p.leaf, &p);
		(void)place_close(w, &p, true);
	}
}

/* Without the times each keeps what it has. */
static void
load_times(struct mend *w)
{
	struct error ignored = ERROR_INIT;
	const struct store *s = w->f->s;

	if (store_load_manifest(s, w->r->manifest, &w->deployed, &ignored) <
			0 ||
		times_load(s, w->r->id, w->deployed.n, &w->times) < 0)
		w->times = NULL;
}

int
fsck_mend(struct fsck *f, const struct record *r, int dir, struct damage *v,
	size_t n)
{
	struct mend w = { .f = f,
		.r = r,
		.umask = (mode_t)r->umask,
		.all = v,
		.n_all = n,
		.dry_run = f->o->dry_run };
	int rc;

	w.tmp = openat(f->s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	w.wanted = mem_zalloc(n, sizeof(struct damage *));
	w.digest = digest_new();
	beneath_init(&w.at, dir);
	release_reader_init(&w.releases, f->s);
	load_times(&w);
	mend_plain(&w, v, n);
	make_empty(&w);
	rc = mend_search(&w);
	set_directories(&w, v, n);
	release_reader_release(&w.releases);
	beneath_release(&w.at);
	digest_free(w.digest);
	manifest_release(&w.deployed);
	free(w.times);
	free(w.wanted);
	io_close(&w.tmp);
	return rc;
}
