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
/* A few records and lines of history. */
#define BALLAST (64 * 1024)
#define WAIT_MOST (7 * 24 * 3600) /* seconds; a client may ask for any */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int
store_trouble(struct error *err)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EROFS ||
		errno == EACCES)
		err->status = STATUS_REFUSED;
	return -1;
}

int
store_make_root(const char *root, struct error *err)
{
	int fd;

	/* Links in the path of the admin's own choice are followed. */
	if (access(root, F_OK) == 0)
		return 0;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdir(root, 0755) == 0 ||
		(fd >= 0 && *root == '/' &&
			beneath_mkdirs(fd, root + 1) == 0)) {
		io_close(&fd);
		return 0;
	}
	io_close(&fd);
	error_errno(err, "cannot make %s", root);
	err->status = STATUS_REFUSED;
	return -1;
}

/* Best effort: without it a rollback on a full disk may fail. */
static void
take_ballast(const struct store *s)
{
	int fd = openat(s->own, "ballast",
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, BALLAST) != 0)
		unlinkat(s->own, "ballast", 0);
	io_close(&fd);
}

bool
store_throw_ballast(const struct store *s)
{
	int saved = errno;
	bool thrown = (saved == ENOSPC || saved == EDQUOT) &&
		unlinkat(s->own, "ballast", 0) == 0;

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
		return error_status(err, STATUS_REFUSED,
			"%s was not made by deployd", s->path);
	return error_errno(err, "%s/.deployd", s->path);
}

int
store_open(struct store *s, const char *root, const char *app, bool create,
	struct error *err)
{
	memset(s, 0, sizeof(*s));
	s->root = s->dir = s->own = s->lock = s->switch_lock = -1;
	if (!path_is_app(app))
		return error_status(err, STATUS_REFUSED,
			"'%s' cannot be an app's name", app);
	if (create && store_make_root(root, err) < 0)
		return -1;
	s->app = mem_strdup(app);
	s->path = mem_printf("%s/%s", root, app);
	s->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root >= 0) {
		if (create)
			(void)mkdirat(s->root, app, 0755);
		s->dir = openat(s->root, app, DIRECTORY);
	}
	if (s->dir < 0 && errno == ENOENT)
		store_no_such_app(root, app, err);
	else if (s->dir < 0)
		error_errno(err, "%s", s->path);
	else if (open_own(s, create, err) == 0)
		return 0;
	err->status = STATUS_REFUSED;
	store_release(s);
	return -1;
}

void
store_release(struct store *s)
{
	store_unlock_switch(s);
	store_unlock(s);
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

/* Takes one of the locks, trying until the time is over. */
static int
lock(struct store *s, const char *name, int *fd, const char *holder,
	uint64_t seconds, store_wait_fn *wait, void *arg, struct error *err)
{
	int64_t most = seconds < WAIT_MOST ? (int64_t)seconds : WAIT_MOST;
	int64_t end = io_now_ms() + most * 1000;
	char text[STORE_HOLDER];

	while ((*fd = lock_take(s->own, name, holder)) < 0) {
		if (errno != EWOULDBLOCK)
			return error_errno(err, "cannot lock %s", s->path);
		if (io_now_ms() >= end) {
			lock_held(s->own, name, text, sizeof(text));
			error_status(err, STATUS_BUSY,
				"another deploy of %s is running: %s", s->app,
				*text ? text : "just begun");
			return error_hint(err,
				"wait for it with --wait, or try again");
		}
		if (!wait)
			usleep(50000);
		else if (wait(arg, 50))
			return error_status(err, STATUS_TRANSFER,
				"given up while waiting for another deploy");
	}
	return 0;
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

void
store_busy(const struct store *s, char *holder, size_t size)
{
	if (lock_held(s->own, "lock", holder, size) && !*holder)
		snprintf(holder, size, "somebody");
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

	snprintf(target, sizeof(target), LINK_PREFIX "%s", id);
	return replace_link(s->dir, "current", target, err);
}

int
store_switch_none(struct store *s, struct error *err)
{
	if ((unlinkat(s->dir, "current", 0) < 0 && errno != ENOENT) ||
		fsync(s->dir) < 0)
		return error_errno(err, "cannot remove %s/current", s->path);
	return 0;
}
