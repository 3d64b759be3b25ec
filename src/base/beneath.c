#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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
