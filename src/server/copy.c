#include "server/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#define COPY_SIZE (256 * 1024)

static int
copy_bytes(int in, int out)
{
	char *chunk = mem_alloc(COPY_SIZE);
	ssize_t n;

	while ((n = io_read_full(in, chunk, COPY_SIZE)) > 0)
		if (io_write_full(out, chunk, (size_t)n) < 0) {
			n = -1;
			break;
		}
	free(chunk);
	return n < 0 ? -1 : 0;
}

int
copy_file(int in, int out)
{
	ssize_t n;

	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	do {
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		return 0;
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
		errno != EOPNOTSUPP && errno != EPERM)
		return -1;
	return copy_bytes(in, out);
}

static int copy_entry(int from, int to, const char *name);

static int
copy_regular(int from, int to, const char *name, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in, out, rc = -1;

	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	if (in < 0)
		return errno == ENOENT ? 0 : -1; /* it went meanwhile */
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		rc = errno == EEXIST ? 0 : -1;
	else if (copy_file(in, out) == 0 &&
		fchmod(out, st->st_mode & 0777) == 0 &&
		futimens(out, times) == 0)
		rc = 0;
	io_close(&in);
	io_close(&out);
	return rc;
}

static int
copy_link(int from, int to, const char *name)
{
	char target[TARGET_MOST + 1];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 && errno != EEXIST ? -1 : 0;
}

/* Takes in. */
static int
copy_names(int in, int out)
{
	DIR *dir = fdopendir(in);
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		io_close(&in);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			rc = copy_entry(in, out, e->d_name);
	closedir(dir);
	return rc;
}

static int
copy_directory(int from, int to, const char *name, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in, out = -1, rc = -1;

	in = openat(from, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return -1;
	if (mkdirat(to, name, 0700) < 0 && errno != EEXIST)
		goto out;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		goto out;
	rc = copy_names(in, out);
	in = -1;
	if (rc == 0 &&
		(fchmod(out, st->st_mode & 0777) < 0 ||
			futimens(out, times) < 0))
		rc = -1;
out:
	io_close(&in);
	io_close(&out);
	return rc;
}

static int
copy_entry(int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return copy_regular(from, to, name, &st);
	if (S_ISDIR(st.st_mode))
		return copy_directory(from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name);
	return 0; /* sockets and the like belong to a process, not a build */
}

int
copy_tree(int from, int to, const char *path, struct error *err)
{
	struct beneath a, b;
	const char *leaf;
	char *parent = mem_strndup(path, (size_t)(path_leaf(path) - path));
	int rc = 0, in, out;

	beneath_init(&a, from);
	beneath_init(&b, to);
	in = beneath_at(&a, path, &leaf);
	if (in < 0 && errno == ENOENT)
		goto out;
	if (in < 0 || beneath_mkdirs(to, parent) < 0 ||
		(out = beneath_at(&b, path, &leaf)) < 0 ||
		copy_entry(in, out, leaf) < 0)
		rc = error_errno(err, "cannot copy %s", path);
out:
	beneath_release(&a);
	beneath_release(&b);
	free(parent);
	return rc;
}
