#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
replace_begin(struct replace *r, int dirfd, const char *name, mode_t mode,
	struct error *err)
{
	r->dirfd = dirfd;
	r->fd = -1;
	r->place[0] = '\0';
	if (temporary(r->tmp, sizeof(r->tmp), name) < 0)
		return error_errno(err, "%s", name);
	/* One left by a crash may have another mode. */
	unlinkat(dirfd, r->tmp, 0);
	r->fd = openat(dirfd, r->tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (r->fd < 0)
		return error_errno(err, "cannot write %s", name);
	return 0;
}

int
replace_write(struct replace *r, const void *data, size_t len)
{
	return io_write_full(r->fd, data, len);
}

void
replace_abandon(struct replace *r)
{
	int saved = errno;

	if (r->fd >= 0)
		unlinkat(r->dirfd, r->tmp, 0);
	io_close(&r->fd);
	errno = saved;
}

int
replace_end(struct replace *r, const char *name, enum replace_sync sync,
	struct error *err)
{
	bool synced = sync == REPLACE_SYNC;

	if ((synced && io_fsync(r->fd) < 0) ||
		renameat(r->dirfd, r->tmp, r->dirfd, name) < 0 ||
		(synced && io_fsync(r->dirfd) < 0)) {
		error_errno(err, "cannot write %s%s", r->place, name);
		replace_abandon(r);
		return -1;
	}
	io_close(&r->fd);
	return 0;
}

int
replace_file(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, enum replace_sync sync, struct error *err)
{
	struct replace r;

	if (replace_begin(&r, dirfd, name, mode, err) < 0)
		return -1;
	if (replace_write(&r, data, len) < 0) {
		error_errno(err, "cannot write %s", name);
		replace_abandon(&r);
		return -1;
	}
	return replace_end(&r, name, sync, err);
}

static bool
begins_with(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool
is_temporary(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".tmp");
}

/* Whether it was last written before that time; 0: whenever that was. */
static bool
is_written_before(int dirfd, const char *name, time_t before)
{
	struct stat st;

	return !before ||
		(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_mtime < before);
}

static bool
begins_with_any(const char *name, const char *const *prefixes)
{
	for (; prefixes && *prefixes; prefixes++)
		if (begins_with(name, *prefixes))
			return true;
	return false;
}

static void
tidy(int dirfd, const char *prefix, const char *const *but, time_t before)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (is_temporary(e->d_name) && begins_with(e->d_name, prefix) &&
			!begins_with_any(e->d_name, but) &&
			is_written_before(dirfd, e->d_name, before))
			unlinkat(dirfd, e->d_name, 0);
	if (dir)
		closedir(dir);
}

void
replace_tidy(int dirfd, const char *prefix, const char *const *but)
{
	tidy(dirfd, prefix, but, 0);
}

void
replace_tidy_old(int dirfd, time_t before)
{
	tidy(dirfd, "", NULL, before);
}

int
replace_link(int dirfd, const char *name, const char *target,
	enum replace_sync sync, struct error *err)
{
	char tmp[256];
	int saved;

	if (temporary(tmp, sizeof(tmp), name) < 0)
		return error_errno(err, "%s", name);
	unlinkat(dirfd, tmp, 0);
	if (symlinkat(target, dirfd, tmp) < 0 ||
		renameat(dirfd, tmp, dirfd, name) < 0) {
		saved = errno;
		error_errno(err, "cannot point %s at %s", name, target);
		unlinkat(dirfd, tmp, 0);
		errno = saved;
		return -1;
	}
	if (sync == REPLACE_SYNC && io_fsync(dirfd) < 0)
		return error_errno(err, "cannot sync the directory of %s",
			name);
	return 0;
}
