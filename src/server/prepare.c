#include "server/prepare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/background.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"
#include "base/rmtree.h"
#include "server/spare.h"
#include "server/spare_sync.h"

#define POLL_US 2000
/* For one that was told to stop already. */
#define FORMER_MS 10000

void
prepare_ask(const struct store *s)
{
	/* What recovery took is ours, and our preparer's after us. */
	if (s->next_lock < 0)
		lock_want(s->own, STORE_NEXT_LOCK);
}

void
prepare_stop(struct store *s, int ms)
{
	int64_t end = io_now_ms() + ms;

	if (s->next_lock >= 0 || s->bypass)
		return;
	while ((s->next_lock = lock_take(s->own, STORE_NEXT_LOCK, "deploy")) <
		0) {
		if (errno != EWOULDBLOCK)
			return; /* where it cannot be made nobody has it */
		if (io_now_ms() >= end) {
			s->bypass = true;
			return;
		}
		prepare_ask(s);
		usleep(POLL_US);
	}
	spare_sync_heed(s);
}

static bool
is_wanted(void *arg)
{
	const struct store *s = arg;

	return lock_wanted(s->next_lock);
}

/* Of a struct busy. */
static int
turn(void *arg, struct error *err)
{
	return is_wanted(arg) ? error_set(err, "next/ is wanted") : 0;
}

/* Apps that were removed by one who was killed at it. */
#define ROOT_TRASH ".deployd/trash"

static int
open_trash(int at, const char *name)
{
	return openat(at, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
has_trash(int at, const char *name)
{
	int fd = open_trash(at, name);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *first;
	bool has = dir && io_next_name(dir, &first) > 0;

	if (dir)
		closedir(dir);
	return has;
}

struct work {
	struct store *s;
	const struct config *c;
};

static bool
has_lock(struct store *s)
{
	int64_t end = io_now_ms() + FORMER_MS;

	while (s->next_lock < 0 && io_now_ms() < end) {
		s->next_lock = lock_take(s->own, STORE_NEXT_LOCK, "preparing");
		if (s->next_lock < 0)
			usleep(POLL_US);
	}
	return s->next_lock >= 0;
}

static void
empty_trash(struct store *s, int at, const char *name)
{
	int trash = open_trash(at, name);

	if (trash >= 0)
		(void)rmtree_contents_until(trash, is_wanted, s);
	io_close(&trash);
}

static void
prepare(void *arg)
{
	const struct work *w = arg;
	struct store *s = w->s;
	const struct busy busy = { turn, s };

	s->bypass = false;
	if (!has_lock(s))
		return;
	/* The one before may have let the lock go and be at it yet. */
	while (spare_sync_runs(s) && !is_wanted(s))
		usleep(POLL_US);
	spare_sync_heed(s);
	/* Of those who were killed at it. */
	replace_tidy(s->own, "next.", NULL);
	if (w->c->spare && spare_is_needed(s))
		spare_make(s, w->c, &busy);
	if (s->next_lock < 0)
		return;
	empty_trash(s, s->own, "trash");
	empty_trash(s, s->root, ROOT_TRASH);
}

static void
run_prepare(struct store *s, const struct config *c)
{
	struct work w = { s, c };
	const int keep[] = { s->root, s->dir, s->own, s->next_lock };

	background_run(prepare, &w, keep, 4);
}

void
prepare_start(struct store *s, const struct config *c)
{
	if (s->next_lock < 0)
		s->next_lock = lock_take(s->own, STORE_NEXT_LOCK, "preparing");
	/* One that nobody has told to stop is at it. */
	if (s->next_lock < 0 && !s->bypass)
		return;
	if (has_trash(s->own, "trash") || has_trash(s->root, ROOT_TRASH) ||
		(c->spare && spare_is_needed(s)))
		run_prepare(s, c);
	io_close(&s->next_lock);
}
