#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "io.h"

static int
temporary(char *out, size_t size, const char *name)
{
	int n = snprintf(out, size, "%s.%ld.tmp", name, (long)getpid());

	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
replace_file(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, enum replace_sync sync, struct error *err)
{
	char tmp[256];
	int fd = -1, rc = -1;

	if (temporary(tmp, sizeof(tmp), name) < 0)
		return error_errno(err, "%s", name);
	/* One left by a crash may have another mode. */
	unlinkat(dirfd, tmp, 0);
	fd = openat(dirfd, tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || io_write_full(fd, data, len) < 0)
		goto out;
	if (sync == REPLACE_SYNC && fsync(fd) < 0)
		goto out;
	if (renameat(dirfd, tmp, dirfd, name) < 0)
		goto out;
	if (sync == REPLACE_SYNC && fsync(dirfd) < 0)
		goto out;
	rc = 0;
out:
	if (rc < 0) {
		error_errno(err, "cannot write %s", name);
		unlinkat(dirfd, tmp, 0);
	}
	io_close(&fd);
	return rc;
}

int
replace_link(int dirfd, const char *name, const char *target, struct error *err)
{
	char tmp[256];

	if (temporary(tmp, sizeof(tmp), name) < 0)
		return error_errno(err, "%s", name);
	unlinkat(dirfd, tmp, 0);
	if (symlinkat(target, dirfd, tmp) < 0 ||
		renameat(dirfd, tmp, dirfd, name) < 0) {
		error_errno(err, "cannot point %s at %s", name, target);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	if (fsync(dirfd) < 0)
		return error_errno(err, "cannot sync the directory of %s",
			name);
	return 0;
}
