#include "server/held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* A lease to read is refused while a writer has the file open or mapped. */
static bool
is_held(int dir, const char *name)
{
	int fd = openat(dir, name,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool held = fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0;

	if (!held)
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	io_close(&fd);
	return held;
}

static int drop_below(int fd, const struct busy *busy);

static int
look_at(int dir, const char *name, const struct busy *busy)
{
	struct error ignored = ERROR_INIT;
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(st.st_mode)) {
		fd = openat(dir, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? -1 : drop_below(fd, busy);
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	if (is_held(dir, name) && unlinkat(dir, name, 0) < 0)
		return -1;
	return busy_turn(busy, &ignored);
}

static int
drop_below(int fd, const struct busy *busy)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		io_close(&fd);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = look_at(fd, e->d_name, busy);
	closedir(dir);
	return rc;
}

int
held_drop(int fd, const struct busy *busy)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	int rc;

	/* What tells of one who comes while there is a lease. */
	sigaction(SIGIO, &ignore, &old);
	rc = drop_below(fd, busy);
	sigaction(SIGIO, &old, NULL);
	return rc;
}
