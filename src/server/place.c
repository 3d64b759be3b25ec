#include "server/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"
#include "server/store.h"

static int
open_directory(const struct config *c, bool create, struct error *err)
{
	char path[4200];
	int dir;

	snprintf(path, sizeof(path), "%s/.deployd", c->root);
	if (create && store_make_root(c->root, err) < 0)
		return -1;
	if (create && mkdir(path, 0700) < 0 && errno != EEXIST) {
		error_errno(err, "cannot make %s", path);
		return store_refuse_place(c->root, err);
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		error_errno(err, "%s", path);
		return store_refuse_place(path, err);
	}
	return dir;
}

/* Root, come to look: the places are those of the account's own sessions. */
static bool
is_anothers(const char *root)
{
	char path[4200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/.deployd", root);
	return geteuid() == 0 &&
		(lstat(path, &st) == 0 || stat(root, &st) == 0) &&
		st.st_uid != 0;
}

static int
cannot_lock(const struct config *c, const char *name, struct error *err)
{
	error_errno(err, "cannot lock %s/.deployd/%s", c->root, name);
	err->status = STATUS_REFUSED;
	return store_trouble(err);
}

int
place_take(const struct config *c, bool create, int *fd, struct error *err)
{
	char name[32];
	uint64_t i;
	int dir;

	*fd = -1;
	if (c->max_sessions == 0 || is_anothers(c->root))
		return 0;
	dir = open_directory(c, create, err);
	if (dir < 0)
		return !create && errno == ENOENT ? 0 : -1;
	error_status(err, STATUS_BUSY,
		"this server has %" PRIu64 " sessions already",
		c->max_sessions);
	error_hint(err,
		"try again when one has ended, or raise max_sessions in "
		"deployd.conf");
	for (i = 0; *fd < 0 && i < c->max_sessions; i++) {
		snprintf(name, sizeof(name), "session.%" PRIu64, i);
		*fd = lock_take(dir, name, "");
		if (*fd < 0 && errno != EWOULDBLOCK)
			break;
	}
	io_close(&dir);
	if (*fd >= 0 || errno == EWOULDBLOCK)
		return *fd < 0 ? -1 : 0;
	/* Who only reads may, where nobody can lock. */
	return !create && errno == EROFS ? 0 : cannot_lock(c, name, err);
}
