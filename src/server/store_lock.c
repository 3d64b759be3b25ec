/* The locks of a store: who has them, and waiting for them. */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"

#define WAIT_MOST (7ULL * 24 * 3600) /* a client may ask for any */

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
			error_errno(err, "cannot lock %s/.deployd/%s", s->path,
				name);
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
