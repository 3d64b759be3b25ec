#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io.h"

int
lock_take(int dirfd, const char *name, const char *holder)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		0600);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		io_close(&fd);
		return -1;
	}
	/* The text is for people; a lock without it is still a lock. */
	if (ftruncate(fd, 0) == 0)
		(void)io_write_full(fd, holder, strlen(holder));
	return fd;
}

int
lock_held(int dirfd, const char *name, char *text, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int held = 0;
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		held = 1;
		n = io_read_full(fd, text, size - 1);
		text[n > 0 ? n : 0] = '\0';
	}
	io_close(&fd);
	return held;
}
