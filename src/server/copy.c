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
#include "server/store.h"

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

bool
copy_can_clone(int dir)
{
	int a = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int b = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool can = a >= 0 && b >= 0 && ioctl(a, FICLONE, b) == 0;

	io_close(&a);
	io_close(&b);
	return can;
}

/* One copy of a tree. */
struct copy {
	const struct busy *busy;
	bool stopped; /* busy has filled err */
	struct error *err;
};

static int copy_entry(struct copy *c, int from, int to, const char *name);

static int
copy_regular(struct copy *c, int from, int to, const char *name,
	const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int in, out, rc = -1;

	c->stopped = busy_turn(c->busy, c->err) < 0;
	if (c->stopped)
		return -1;
	in = beneath_open_file(from, name);
	if (in < 0)
		return errno == ENOENT ? 0 : -1; /* it went meanwhile */
	out = openat(to, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
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
		return errno == ENOENT ? 0 : -1;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 && errno != EEXIST ? -1 : 0;
}

/* Takes in. */
static int
copy_names(struct copy *c, int in, int out)
{
	DIR *dir = fdopendir(in);
	const char *name;
	int rc = 0, more = 0;

	if (!dir) {
		io_close(&in);
		return -1;
	}
	while (rc == 0 && (more = io_next_name(dir, &name)) > 0)
		rc = copy_entry(c, in, out, name);
	closedir(dir);
	return more < 0 ? -1 : rc;
}

/* The directory to copy into; -1 with errno 0: something else is there. */
static int
make_directory(int to, const char *name, bool *made)
{
	int fd;

	*made = mkdirat(to, name, 0700) == 0;
	if (!*made && errno != EEXIST)
		return -1;
	fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		errno = 0;
	return fd;
}

static int
copy_directory(struct copy *c, int from, int to, const char *name,
	const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	bool made;
	int in, out, rc;

	out = make_directory(to, name, &made);
	if (out < 0)
		return errno ? -1 : 0;
	in = openat(from, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = in < 0 ? -1 : copy_names(c, in, out);
	/* A directory of the tree's own keeps its mode and time. */
	if (rc == 0 && made &&
		(fchmod(out, st->st_mode & 0777) < 0 ||
			futimens(out, times) < 0))
		rc = -1;
	io_close(&out);
	return rc;
}

static int
copy_entry(struct copy *c, int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return copy_regular(c, from, to, name, &st);
	if (S_ISDIR(st.st_mode))
		return copy_directory(c, from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name);
	return 0; /* sockets and the like belong to a process, not a build */
}

static int
failed(const struct copy *c, const char *path)
{
	if (c->stopped)
		return -1;
	error_errno(c->err, "cannot copy %s", path);
	return store_trouble(c->err);
}

/* A component of a path is a file or a link, here or there. */
static bool
is_barred(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

int
copy_tree(int from, int to, const char *path, const struct busy *busy,
	struct error *err)
{
	struct copy c = { busy, false, err };
	struct beneath a, b;
	const char *leaf;
	char *parent = mem_strndup(path, (size_t)(path_leaf(path) - path));
	int rc = 0, in, out = -1;

	beneath_init(&a, from);
	beneath_init(&b, to);
	in = beneath_at(&a, path, &leaf);
	if (in >= 0 && beneath_mkdirs(to, parent) == 0)
		out = beneath_at(&b, path, &leaf);
	if (out < 0 ? !is_barred(errno) : copy_entry(&c, in, out, leaf) < 0)
		rc = failed(&c, path);
	beneath_release(&a);
	beneath_release(&b);
	free(parent);
	return rc;
}
