#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "io.h"
#include "path.h"

#define DIRECTORY_ONLY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int
open_by_kernel(int root, const char *path, int flags, mode_t mode)
{
	/* O_TMPFILE contains O_DIRECTORY. */
	bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.mode = makes ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			RESOLVE_NO_MAGICLINKS,
	};
	int tries = 0;
	long fd;

	/* EAGAIN: a rename elsewhere raced with the walk. */
	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && ++tries < 100);
	return (int)fd;
}

bool
beneath_is_kernels(void)
{
	int fd = open_by_kernel(AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0);
	bool is = fd >= 0;

	io_close(&fd);
	return is;
}

/* Takes one component off *path into name. */
static int
next_component(const char **path, char name[static COMPONENT_MOST + 1])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len > COMPONENT_MOST) {
		errno = len ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	memcpy(name, *path, len);
	name[len] = '\0';
	if (!strcmp(name, "..")) {
		errno = EXDEV;
		return -1;
	}
	*path += len;
	if (**path == '/')
		++*path;
	return 0;
}

/* O_PATH opens a link itself, which openat2 does only with O_NOFOLLOW. */
static int
no_link(int fd, int flags)
{
	struct stat st;

	if (fd < 0 || !(flags & O_PATH) || (flags & O_NOFOLLOW))
		return fd;
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	io_close(&fd);
	errno = ELOOP;
	return -1;
}

/* The same walk by hand, where openat2 is unknown or forbidden. */
static int
open_by_hand(int root, const char *path, int flags, mode_t mode)
{
	char name[COMPONENT_MOST + 1];
	int at = root, fd;

	for (;;) {
		bool last;

		if (next_component(&path, name) < 0) {
			fd = -1;
			break;
		}
		last = *path == '\0';
		if (last)
			fd = openat(at, name, flags | O_NOFOLLOW, mode);
		else
			fd = openat(at, name, DIRECTORY_ONLY);
		if (at != root)
			io_close(&at);
		if (last)
			return no_link(fd, flags);
		if (fd < 0)
			return fd;
		at = fd;
	}
	if (at != root)
		io_close(&at);
	return fd;
}

int
beneath_open(int root, const char *path, int flags, mode_t mode)
{
	int fd = open_by_kernel(root, path, flags | O_CLOEXEC, mode);

	/* A path of PATH_MOST bytes is one too long for the kernel. */
	if (fd < 0 &&
		(errno == ENOSYS || errno == EPERM || errno == ENAMETOOLONG))
		return open_by_hand(root, path, flags | O_CLOEXEC, mode);
	return fd;
}

int
beneath_open_file(int root, const char *path)
{
	int fd = beneath_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	io_close(&fd);
	errno = EINVAL;
	return -1;
}

int
beneath_read(int root, const char *path, size_t most, struct buf *b,
	struct error *err)
{
	int fd = beneath_open_file(root, path);
	int rc = fd < 0 ? error_errno(err, "%s", path) :
			  io_read_rest(fd, path, most, b, err);

	io_close(&fd);
	return rc;
}

/* The handle of path's parent, to be closed by close_parent(); or -1. */
static int
open_parent(int root, const char *path, const char **leaf)
{
	char dir[PATH_MOST + 1];
	size_t len;

	*leaf = path_leaf(path);
	if (*leaf == path)
		return root;
	len = (size_t)(*leaf - path) - 1;
	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, len);
	dir[len] = '\0';
	return beneath_open(root, dir, O_PATH | O_DIRECTORY, 0);
}

static int
close_parent(int root, int dir, int rc)
{
	if (dir != root)
		io_close(&dir);
	return rc;
}

int
beneath_stat(int root, const char *path, struct stat *st)
{
	const char *leaf;
	int dir = open_parent(root, path, &leaf);

	return close_parent(root, dir,
		dir < 0 ? -1 : fstatat(dir, leaf, st, AT_SYMLINK_NOFOLLOW));
}

int
beneath_mkdir(int root, const char *path, mode_t mode)
{
	const char *leaf;
	int dir = open_parent(root, path, &leaf);

	return close_parent(root, dir, dir < 0 ? -1 : mkdirat(dir, leaf, mode));
}

int
beneath_unlink(int root, const char *path)
{
	const char *leaf;
	int dir = open_parent(root, path, &leaf);

	return close_parent(root, dir, dir < 0 ? -1 : unlinkat(dir, leaf, 0));
}

int
beneath_rename(int from, const char *path, int to, const char *new_path)
{
	const char *leaf, *new_leaf;
	int old_dir = open_parent(from, path, &leaf);
	int new_dir = open_parent(to, new_path, &new_leaf), rc = -1;

	if (old_dir >= 0 && new_dir >= 0)
		rc = renameat(old_dir, leaf, new_dir, new_leaf);
	close_parent(from, old_dir, 0);
	return close_parent(to, new_dir, rc);
}

void
beneath_init(struct beneath *b, int root)
{
	b->root = root;
	b->fd = -1;
	b->dir[0] = '\0';
}

void
beneath_forget(struct beneath *b)
{
	io_close(&b->fd);
	b->dir[0] = '\0';
}

void
beneath_release(struct beneath *b)
{
	beneath_forget(b);
}

int
beneath_at(struct beneath *b, const char *path, const char **leaf)
{
	size_t len;

	*leaf = path_leaf(path);
	if (*leaf == path)
		return b->root;
	len = (size_t)(*leaf - path) - 1;
	if (len >= sizeof(b->dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (b->fd >= 0 && strlen(b->dir) == len && !memcmp(b->dir, path, len))
		return b->fd;
	beneath_forget(b);
	memcpy(b->dir, path, len);
	b->dir[len] = '\0';
	b->fd = beneath_open(b->root, b->dir, O_PATH | O_DIRECTORY, 0);
	return b->fd;
}

int
beneath_mkdirs(int root, const char *path)
{
	char name[COMPONENT_MOST + 1];
	int at = root, rc = 0;

	while (rc == 0 && *path) {
		int fd = -1;

		if (next_component(&path, name) < 0 ||
			(mkdirat(at, name, 0755) < 0 && errno != EEXIST))
			rc = -1;
		else
			fd = openat(at, name, DIRECTORY_ONLY);
		if (fd < 0)
			rc = -1;
		if (at != root)
			io_close(&at);
		at = fd;
	}
	if (at != root)
		io_close(&at);
	return rc;
}
