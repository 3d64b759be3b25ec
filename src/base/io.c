#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "error.h"

/* At an offset, or where the descriptor is. */
static ssize_t
read_full(int fd, char *p, size_t len, const uint64_t *offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = offset ? pread(fd, p + done, len - done,
					     (off_t)(*offset + done)) :
				     read(fd, p + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t
io_read_full(int fd, void *data, size_t len)
{
	return read_full(fd, data, len, NULL);
}

ssize_t
io_pread_full(int fd, void *data, size_t len, uint64_t offset)
{
	return read_full(fd, data, len, &offset);
}

int
io_write_full(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { fd, POLLOUT, 0 };

			(void)poll(&pfd, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
io_read_some(int fd, struct buf *b, size_t most)
{
	char *p = buf_reserve(b, most);
	ssize_t n;

	do {
		n = read(fd, p, most);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
	return n;
}

int
io_write_some(int fd, struct buf *b, size_t most)
{
	ssize_t n;

	do {
		n = write(fd, b->data, b->len < most ? b->len : most);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	buf_consume(b, (size_t)n);
	return 0;
}

ssize_t
io_send_some(int fd, struct buf *b)
{
	ssize_t sent = 0;

	while (b->len) {
		ssize_t n = send(fd, b->data, b->len,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? sent : -1;
		buf_consume(b, (size_t)n);
		sent += n;
	}
	return sent;
}

int
io_read_rest(int fd, const char *path, size_t most, struct buf *b,
	struct error *err)
{
	ssize_t n;

	do {
		n = io_read_some(fd, b, 65536);
	} while (n > 0 && b->len <= most);
	if (n > 0)
		errno = EFBIG;
	return n ? error_errno(err, "%s", path) : 0;
}

int
io_read_file(int dirfd, const char *path, size_t most, struct buf *b,
	struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc = fd < 0 ? error_errno(err, "%s", path) :
			  io_read_rest(fd, path, most, b, err);

	io_close(&fd);
	return rc;
}

int
io_read_regular(int dirfd, const char *path, size_t most, struct buf *b,
	struct error *err)
{
	/* A fifo without a writer must not hold us up. */
	int fd = openat(dirfd, path,
		O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = error_errno(err, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = error_set(err, "%s is not a regular file", path);
		errno = EINVAL;
	} else {
		rc = io_read_rest(fd, path, most, b, err);
	}
	io_close(&fd);
	return rc;
}

int
io_chmod_at(int dirfd, const char *name, mode_t mode)
{
	int fd, rc = fchmodat(dirfd, name, mode, AT_SYMLINK_NOFOLLOW);

	if (rc == 0 || errno != EOPNOTSUPP)
		return rc;
	fd = openat(dirfd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	rc = fd < 0 ? -1 : fchmod(fd, mode);
	io_close(&fd);
	return rc;
}

int
io_fsync(int fd)
{
	struct stat st;

	/* XFS that has shut down says of a directory that all is well. */
	return fsync(fd) < 0 || fstat(fd, &st) < 0 ? -1 : 0;
}

int
io_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void
io_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int64_t
io_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
io_now_ms(void)
{
	return io_now_us() / 1000;
}

int64_t
io_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int
io_next_name(DIR *dir, const char **name)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? -1 : 0;
		*name = e->d_name;
	} while (!strcmp(*name, ".") || !strcmp(*name, ".."));
	return 1;
}
