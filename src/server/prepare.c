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
#include "base/rmtree.h"
#include "server/spare.h"

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

static bool
has_trash(const struct store *s)
{
	int fd = openat(s->own, "trash",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool has = false;

	while (dir && !has && (e = readdir(dir)))
		has = strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
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
prepare(void *arg)
{
	const struct work *w = arg;
	struct store *s = w->s;
	const struct busy busy = { turn, s };
	int trash;

	s->bypass = false;
	if (!has_lock(s))
		return;
	if (w->c->spare && spare_is_needed(s))
		spare_make(s, w->c, &busy);
	trash = s->next_lock < 0 ?
		-1 :
		openat(s->own, "trash",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (trash >= 0)
		(void)rmtree_contents_until(trash, is_wanted, s);
	io_close(&trash);
}

static void
run_prepare(struct store *s, const struct config *c)
{
	struct work w = { s, c };
	const int keep[] = { s->dir, s->own, s->next_lock };

	background_run(prepare, &w, keep, 3);
}

void
prepare_start(struct store *s, const struct config *c)
{
	if (s->next_lock < 0)
		s->next_lock = lock_take(s->own, STORE_NEXT_LOCK, "preparing");
	/* One that nobody has told to stop is at it. */
	if (s->next_lock < 0 && !s->bypass)
		return;
	if (has_trash(s) || (c->spare && spare_is_needed(s)))
		run_prepare(s, c);
	io_close(&s->next_lock);
}
