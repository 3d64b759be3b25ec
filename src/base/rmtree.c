#include "rmtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

static int empty_directory(int fd);

static int
remove_directory(int dirfd, const char *name)
{
	int fd = openat(dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (fd < 0 && errno == EACCES &&
		fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = openat(dirfd, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = empty_directory(fd);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && rc == 0)
		rc = -1;
	return rc;
}

static int
remove_entry(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES && fchmod(dirfd, 0700) == 0 &&
		unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -1;
	return remove_directory(dirfd, name);
}

/* Takes fd. */
static int
empty_directory(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int first = 0;

	if (!dir) {
		io_close(&fd);
		return -1;
	}
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (remove_entry(fd, e->d_name) < 0 && !first)
			first = errno;
	}
	closedir(dir);
	errno = first;
	return first ? -1 : 0;
}

int
rmtree_at(int dirfd, const char *name)
{
	return remove_entry(dirfd, name);
}
