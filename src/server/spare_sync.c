#include "server/spare_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"

#define MARK "next.sync"
#define POLL_US 2000

int
spare_sync_begin(const struct store *s)
{
	return lock_take(s->own, MARK, "");
}

void
spare_sync_end(const struct store *s, int fd, bool synced)
{
	if (synced)
		unlinkat(s->own, MARK, 0);
	io_close(&fd);
}

bool
spare_sync_runs(const struct store *s)
{
	char nobody[1];

	return lock_held(s->own, MARK, nobody, sizeof(nobody));
}

static bool
has_failed(const struct store *s)
{
	return !spare_sync_runs(s) && faccessat(s->own, MARK, F_OK, 0) == 0;
}

void
spare_sync_heed(struct store *s)
{
	if (!has_failed(s) || store_discard(s, "next", NULL) < 0)
		return;
	unlinkat(s->own, "next.index", 0);
	unlinkat(s->own, MARK, 0);
}

int
spare_sync_await(const struct store *s, const struct busy *busy,
	struct error *err)
{
	while (spare_sync_runs(s)) {
		if (busy_turn(busy, err) < 0)
			return -1;
		usleep(POLL_US);
	}
	return 0;
}

int
spare_sync_check(const struct store *s, struct error *err)
{
	if (!has_failed(s))
		return 0;
	errno = EIO;
	error_errno(err, "cannot sync what was prepared");
	return store_trouble(err);
}
