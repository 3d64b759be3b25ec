#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"

#define LINK_PREFIX "releases/"
/*
 * Room for a few records and lines of history, and as many inodes: what is
 * thrown away at a time is one piece.
 */
#define BALLAST_PIECES 8
#define BALLAST_BYTES (8 * 1024)
#define WAIT_MOST (7ULL * 24 * 3600) /* a client may ask for any */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct {
	int error;
	enum status status;
	const char *hint;
} troubles[] = {
	{ ENOSPC, STATUS_REFUSED,
		"make room on the server, of bytes or inodes (df, df -i): "
		"deploy prune" },
	{ EDQUOT, STATUS_REFUSED,
		"the account's quota on the server is used up: deploy prune, "
		"or have it raised" },
	{ EROFS, STATUS_REFUSED,
		"the server's file system is read-only: its kernel's log may "
		"say why" },
	{ EACCES, STATUS_REFUSED, NULL },
	{ EIO, STATUS_TRANSFER,
		"the server's disk fails: see its kernel's log, then deployd "
		"fsck there" },
};

int
store_trouble(struct error *err)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
		if (troubles[i].error != saved)
			continue;
		err->status = troubles[i].status;
		if (troubles[i].hint && !err->hint[0])
			error_hint(err, "%s", troubles[i].hint);
	}
	errno = saved;
	return -1;
}

int
store_discard(const struct store *s, const char *name, const char *as)
{
	char to[80];
	int rc;

	if (as)
		snprintf(to, sizeof(to), "trash/%.60s", as);
	else
		snprintf(to, sizeof(to), "trash/%.40s.%lld", name,
			(long long)io_wall_ns());
	rc = beneath_rename(s->own, name, s->own, to);
	return rc < 0 && errno != ENOENT ? -1 : 0;
}

int
store_fsync(const struct store *s, int fd)
{
	return s->relaxed ? 0 : fsync(fd);
}

static enum replace_sync
sync_of(const struct store *s)
{
	return s->relaxed ? REPLACE_FAST : REPLACE_SYNC;
}

int
store_begin(const struct store *s, const char *directory, const char *name,
	struct replace *file, struct error *err)
{
	int dir = openat(s->own, directory, DIRECTORY);

	if (dir < 0) {
		error_errno(err, "cannot write %s", name);
		return store_trouble(err);
	}
	if (replace_begin(file, dir, name, 0600, err) == 0)
		return 0;
	io_close(&dir);
	return store_trouble(err);
}

int
store_give_up(struct replace *file, const char *name, struct error *err)
{
	error_errno(err, "cannot write %s", name);
	replace_abandon(file);
	io_close(&file->dirfd);
	return store_trouble(err);
}

int
store_end(const struct store *s, struct replace *file, const char *name,
	struct error *err)
{
	struct replace_batch one = REPLACE_BATCH_INIT;
	int rc;

	replace_keep(s->batch ? s->batch : &one, file, name);
	rc = replace_all(&one, sync_of(s), err);
	replace_release(&one);
	return rc < 0 ? store_trouble(err) : 0;
}

int
store_write(const struct store *s, const char *directory, const char *name,
	const void *data, size_t len, struct error *err)
{
	struct replace file;

	if (store_begin(s, directory, name, &file, err) < 0)
		return -1;
	if (replace_write(&file, data, len) < 0)
		return store_give_up(&file, name, err);
	return store_end(s, &file, name, err);
}

void
store_batch(struct store *s)
{
	s->batch = mem_zalloc(1, sizeof(*s->batch));
}

int
store_batch_end(struct store *s, bool give_up, struct error *err)
{
	struct replace_batch *b = s->batch;
	int rc = 0;

	s->batch = NULL;
	if (!give_up && replace_all(b, sync_of(s), err) < 0)
		rc = store_trouble(err);
	replace_release(b);
	free(b);
	return rc;
}

int
store_refuse_place(const char *path, struct error *err)
{
	int saved = errno;

	err->status = STATUS_REFUSED;
	if (saved == EACCES || saved == EPERM || saved == EROFS)
		error_hint(err,
			"on the server, let uid %ld write there, or set root "
			"in deployd.conf",
			(long)geteuid());
	else if (saved == ENOTDIR || saved == EEXIST)
		error_hint(err, "move it away on the server: %s", path);
	errno = saved;
	return -1;
}

/* Links in the path of the admin's own choice are followed. */
static int
make_parents(const char *root)
{
	char *path = mem_strdup(root), *p;
	int rc = 0;

	for (p = path + 1; rc == 0 && (p = strchr(p, '/')); p++) {
		*p = '\0';
		rc = mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
		*p = '/';
	}
	free(path);
	return rc;
}

int
store_make_root(const char *root, struct error *err)
{
	struct stat st;

	if (stat(root, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
		error_errno(err, "the root of apps, %s", root);
		return store_refuse_place(root, err);
	}
	if (make_parents(root) == 0 &&
		(mkdir(root, 0755) == 0 || errno == EEXIST))
		return 0;
	error_errno(err, "cannot make the root of apps, %s", root);
	return store_refuse_place(root, err);
}

struct ballast {
	char name[16];
};

static struct ballast
ballast_piece(int i)
{
	struct ballast b;

	snprintf(b.name, sizeof(b.name), "ballast.%d", i);
	return b;
}

static int
take_piece(const struct store *s, const char *name)
{
	int fd = openat(s->own, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	rc = posix_fallocate(fd, 0, BALLAST_BYTES) == 0 ? 0 : -1;
	if (rc < 0)
		unlinkat(s->own, name, 0);
	io_close(&fd);
	return rc;
}

/* Best effort: without it a rollback on a full disk may fail. */
static void
take_ballast(const struct store *s)
{
	int i = 0;

	while (i < BALLAST_PIECES && take_piece(s, ballast_piece(i).name) == 0)
		i++;
}

bool
store_throw_ballast(const struct store *s)
{
	int i = BALLAST_PIECES, saved = errno;
	bool thrown = false;

	if (saved == ENOSPC || saved == EDQUOT)
		while (!thrown && i-- > 0)
			thrown = unlinkat(s->own, ballast_piece(i).name, 0) ==
				0;
	errno = saved;
	return thrown;
}

static int
make_layout(struct store *s, struct error *err)
{
	static const char *const names[] = { "records", "manifests", "logs",
		"tmp", "trash", "cache" };
	size_t i;

	if (mkdirat(s->dir, "releases", 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/releases", s->path);
	if (mkdirat(s->dir, "shared", 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/shared", s->path);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (mkdirat(s->own, names[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, "cannot make %s/.deployd/%s",
				s->path, names[i]);
	take_ballast(s);
	return 0;
}

static int
open_own(struct store *s, bool create, struct error *err)
{
	if (create && mkdirat(s->dir, ".deployd", 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/.deployd", s->path);
	s->own = openat(s->dir, ".deployd", DIRECTORY);
	if (s->own >= 0)
		return create ? make_layout(s, err) : 0;
	if (errno == ENOENT)
		return error_set(err, "%s was not made by deployd", s->path);
	return error_errno(err, "%s/.deployd", s->path);
}

/* The handles of root and of the app's directory. */
static int
open_app(struct store *s, const char *root, bool create, struct error *err)
{
	s->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0 && (create || errno != ENOENT))
		return error_errno(err, "the root of apps, %s", root);
	if (s->root >= 0 && create && mkdirat(s->root, s->app, 0755) < 0 &&
		errno != EEXIST)
		return error_errno(err, "cannot make %s", s->path);
	if (s->root >= 0)
		s->dir = openat(s->root, s->app, DIRECTORY);
	if (s->dir >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(err, "there is no app '%s' on this server",
			s->app);
	return error_errno(err, "%s", s->path);
}

int
store_open(struct store *s, const char *root, const char *app, bool create,
	struct error *err)
{
	int saved;

	memset(s, 0, sizeof(*s));
	s->root = s->dir = s->own = -1;
	s->lock = s->switch_lock = s->next_lock = -1;
	if (!path_is_app(app))
		return error_status(err, STATUS_REFUSED,
			"'%s' cannot be an app's name", app);
	if (create && store_make_root(root, err) < 0)
		return -1;
	s->app = mem_strdup(app);
	s->path = mem_printf("%s/%s", root, app);
	if (open_app(s, root, create, err) == 0 &&
		open_own(s, create, err) == 0)
		return 0;
	store_refuse_place(s->path, err);
	saved = errno;
	store_release(s);
	errno = saved;
	return -1;
}

void
store_release(struct store *s)
{
	store_unlock_switch(s);
	store_unlock(s);
	io_close(&s->next_lock);
	io_close(&s->own);
	io_close(&s->dir);
	io_close(&s->root);
	free(s->app);
	free(s->path);
	s->app = s->path = NULL;
}

void
store_holder(const char *who, char holder[static STORE_HOLDER])
{
	time_t now = time(NULL);
	char when[64];
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC",
		gmtime_r(&now, &tm));
	snprintf(holder, STORE_HOLDER, "%.255s since %s", who, when);
}

uint64_t
store_wait_most(uint64_t seconds)
{
	return seconds < WAIT_MOST ? seconds : WAIT_MOST;
}

bool
store_is_there(const struct store *s)
{
	struct stat open, there;

	return fstat(s->dir, &open) == 0 &&
		fstatat(s->root, s->app, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		open.st_ino == there.st_ino && open.st_dev == there.st_dev;
}

int
store_just_removed(const struct store *s, struct error *err)
{
	return error_status(err, STATUS_REFUSED, "%s has just been removed",
		s->app);
}

/* Takes one of the locks, trying until the time is over. */
static int
lock(struct store *s, const char *name, int *fd, const char *holder,
	uint64_t seconds, store_wait_fn *wait, void *arg, struct error *err)
{
	int64_t end = io_now_ms() + (int64_t)store_wait_most(seconds) * 1000;
	char text[STORE_HOLDER];

	while ((*fd = lock_take(s->own, name, holder)) < 0) {
		if (errno == ENOENT)
			return store_just_removed(s, err);
		if (errno != EWOULDBLOCK) {
			error_errno(err, "cannot lock %s", s->path);
			return store_trouble(err);
		}
		if (io_now_ms() >= end) {
			lock_held(s->own, name, text, sizeof(text));
			error_status(err, STATUS_BUSY,
				"another deploy of %s is running: %s", s->app,
				*text ? text : "just begun");
			return error_hint(err, "try again when it has ended");
		}
		if (!wait)
			usleep(50000);
		else if (wait(arg, 50))
			return error_status(err, STATUS_TRANSFER,
				"given up while waiting for another deploy");
	}
	if (store_is_there(s))
		return 0;
	io_close(fd);
	return store_just_removed(s, err);
}

int
store_lock(struct store *s, const char *holder, uint64_t seconds,
	store_wait_fn *wait, void *arg, struct error *err)
{
	return lock(s, "lock", &s->lock, holder, seconds, wait, arg, err);
}

int
store_lock_switch(struct store *s, const char *holder, uint64_t seconds,
	store_wait_fn *wait, void *arg, struct error *err)
{
	return lock(s, "switch.lock", &s->switch_lock, holder, seconds, wait,
		arg, err);
}

void
store_unlock(struct store *s)
{
	io_close(&s->lock);
}

void
store_unlock_switch(struct store *s)
{
	io_close(&s->switch_lock);
}

const char *
store_next(const struct store *s)
{
	return s->bypass ? "stage" : "next";
}

const char *
store_next_index(const struct store *s)
{
	return s->bypass ? "stage.index" : "next.index";
}

static void
who_holds(const struct store *s, const char *name, char *holder, size_t size)
{
	if (lock_held(s->own, name, holder, size) && !*holder)
		snprintf(holder, size, "somebody");
}

void
store_busy(const struct store *s, char *holder, size_t size)
{
	who_holds(s, "lock", holder, size);
}

void
store_busy_switch(const struct store *s, char *holder, size_t size)
{
	who_holds(s, "switch.lock", holder, size);
}

int
store_current(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	char target[sizeof(LINK_PREFIX) + RELEASE_ID_LEN + 1];
	ssize_t n = readlinkat(s->dir, "current", target, sizeof(target));

	id[0] = '\0';
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0 && errno != EINVAL)
		return error_errno(err, "%s/current", s->path);
	if (n == (ssize_t)strlen(LINK_PREFIX) + RELEASE_ID_LEN) {
		target[n] = '\0';
		if (!strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX)) &&
			path_is_release(target + strlen(LINK_PREFIX))) {
			memcpy(id, target + strlen(LINK_PREFIX),
				RELEASE_ID_LEN + 1);
			return 0;
		}
	}
	error_status(err, STATUS_REFUSED,
		"%s/current is not deployd's own "
		"link to a release",
		s->path);
	return error_hint(err, "move it away on the server, then deploy again");
}

int
store_switch(struct store *s, const char *id, struct error *err)
{
	char target[64];
	int rc;

	snprintf(target, sizeof(target), LINK_PREFIX "%s", id);
	do {
		rc = replace_link(s->dir, "current", target, sync_of(s), err);
	} while (rc < 0 && store_throw_ballast(s));
	return rc < 0 ? store_trouble(err) : 0;
}

int
store_switch_none(struct store *s, struct error *err)
{
	if ((unlinkat(s->dir, "current", 0) < 0 && errno != ENOENT) ||
		store_fsync(s, s->dir) < 0)
		return error_errno(err, "cannot remove %s/current", s->path);
	return 0;
}
