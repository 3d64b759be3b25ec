#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

static int
lock_command(int fd, int command, short type, struct flock *whole)
{
	int rc;

	memset(whole, 0, sizeof(*whole));
	whole->l_type = type;
	whole->l_whence = SEEK_SET;
	do {
		rc = fcntl(fd, command, whole);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

int
lock_take(int dirfd, const char *name, const char *holder)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		0600);
	struct flock whole;
	size_t len;

	if (fd < 0)
		return -1;
	if (lock_command(fd, F_OFD_SETLK, F_WRLCK, &whole) < 0) {
		if (errno == EACCES)
			errno = EWOULDBLOCK;
		io_close(&fd);
		return -1;
	}
	/*
	 * The text is for people; a lock without it is still a lock.  Written
	 * over the old one it needs no room of a full disk.
	 */
	len = strlen(holder);
	if (pwrite(fd, holder, len, 0) != (ssize_t)len)
		len = 0;
	(void)!ftruncate(fd, (off_t)len);
	return fd;
}

int
lock_wait(int fd, enum lock_kind kind, int ms)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	short type = kind == LOCK_ALONE ? F_WRLCK : F_RDLCK;
	int64_t end = io_now_ms() + ms;
	struct flock whole;

	while (lock_command(fd, F_OFD_SETLK, type, &whole) < 0) {
		if (errno == EACCES)
			errno = EWOULDBLOCK;
		if (errno != EWOULDBLOCK || io_now_ms() >= end)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

void
lock_release(int *fd)
{
	struct flock whole;

	if (*fd >= 0)
		(void)lock_command(*fd, F_OFD_SETLK, F_UNLCK, &whole);
	io_close(fd);
}

int
lock_held(int dirfd, const char *name, char *text, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct flock whole;
	int held = 0;
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return 0;
	/* Asks only: taking it to see would make another's attempt fail. */
	if (lock_command(fd, F_OFD_GETLK, F_WRLCK, &whole) == 0 &&
		whole.l_type != F_UNLCK) {
		held = 1;
		n = io_read_full(fd, text, size - 1);
		text[n > 0 ? n : 0] = '\0';
	}
	io_close(&fd);
	return held;
}

/* No holder's name begins so. */
#define WANTED '!'

void
lock_want(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	static const char wanted = WANTED;

	if (fd >= 0)
		(void)!pwrite(fd, &wanted, 1, 0);
	io_close(&fd);
}

bool
lock_wanted(int fd)
{
	char first;

	return pread(fd, &first, 1, 0) == 1 && first == WANTED;
}
