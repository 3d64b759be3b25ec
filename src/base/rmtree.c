#include "rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "rename.h"

/* Directories deeper than this are moved up: each level costs descriptors. */
#define DEPTH_MOST 64

struct removal {
	int top;        /* the directory that is to go, once it is open */
	unsigned moved; /* directories that were moved up into it */
	bool (*stop)(void *arg);
	void *arg;
};

static int empty_directory(struct removal *r, int fd, int depth);

static int
move_up(struct removal *r, int dirfd, const char *name)
{
	char up[32];

	/* Its ".." is rewritten, for which it must be writable. */
	if (io_chmod_at(dirfd, name, 0700) < 0)
		return -1;
	do {
		snprintf(up, sizeof(up), "deep.%u", ++r->moved);
		if (rename_free(dirfd, name, r->top, up) == 0)
			return 0;
	} while (errno == EEXIST);
	return -1;
}

static int
open_directory(int dirfd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags);

	if (fd < 0 && errno == EACCES && io_chmod_at(dirfd, name, 0700) == 0)
		fd = openat(dirfd, name, flags);
	return fd;
}

static int
remove_directory(struct removal *r, int dirfd, const char *name, int depth)
{
	unsigned moved;
	int fd, rc;

	if (depth > DEPTH_MOST)
		return move_up(r, dirfd, name);
	fd = open_directory(dirfd, name);
	if (fd < 0)
		return -1;
	if (depth == 0)
		r->top = fd;
	do {
		moved = r->moved;
		rc = empty_directory(r, fd, depth + 1);
	} while (depth == 0 && rc == 0 && r->moved != moved);
	io_close(&fd);
	return rc < 0 ? -1 : unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int
remove_entry(struct removal *r, int dirfd, const char *name, int depth)
{
	int saved, rc;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES && depth > 0) {
		(void)fchmod(dirfd, 0700);
		if (unlinkat(dirfd, name, 0) == 0)
			return 0;
	}
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -1;
	saved = errno;
	rc = remove_directory(r, dirfd, name, depth);
	if (rc < 0 && errno == ENOTDIR)
		errno = saved;
	return rc;
}

static int
empty_directory(struct removal *r, int fd, int depth)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const char *name;
	int first = 0, rc;

	if (!dir) {
		io_close(&copy);
		return -1;
	}
	rewinddir(dir);
	while ((rc = io_next_name(dir, &name)) > 0) {
		if (r->stop && r->stop(r->arg)) {
			first = EINTR;
			break;
		}
		if (remove_entry(r, fd, name, depth) < 0 && !first)
			first = errno;
	}
	if (rc < 0 && !first)
		first = errno;
	closedir(dir);
	errno = first;
	return first ? -1 : 0;
}

int
rmtree_at(int dirfd, const char *name)
{
	struct removal r = { .top = -1 };

	return remove_entry(&r, dirfd, name, 0);
}

int
rmtree_contents(int dirfd)
{
	struct removal r = { .top = -1 };

	return empty_directory(&r, dirfd, 0);
}

int
rmtree_contents_until(int dirfd, bool (*stop)(void *arg), void *arg)
{
	struct removal r = { .top = -1, .stop = stop, .arg = arg };

	return empty_directory(&r, dirfd, 0);
}
