/*
 * Where the inodes of many new files go.  ext4 takes those of a directory's
 * files from near the directory, and one without a journal looks at each
 * inode there that was freed in the last minute, again for every file it
 * makes: after the removal of a release the next upload took 5 s instead of
 * half a one.  So a directory that many files go into is made where few are.
 */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/*
 * What is made in such a directory is unrelated: chattr +T.  File systems
 * that do not place inodes so know no such flag, and do not need it.
 */
static void
spread(int dir)
{
	int flags;

	if (ioctl(dir, FS_IOC_GETFLAGS, &flags) < 0 || flags & FS_TOPDIR_FL)
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
}

/*
 * In apart/, which nobody else looks into: who empties trash/ could go on in
 * what was taken out of there.  The name decides where.
 */
static int
make_afresh(const struct store *s, int apart, const char *name)
{
	char fresh[64];
	int rc = -1;

	spread(apart);
	snprintf(fresh, sizeof(fresh), "%s-%" PRIx64, name,
		(uint64_t)io_wall_ns());
	if (mkdirat(apart, fresh, 0700) == 0) {
		rc = renameat(apart, fresh, s->own, name);
		if (rc < 0)
			unlinkat(apart, fresh, AT_REMOVEDIR);
	}
	return rc;
}

int
store_make_apart(const struct store *s, const char *name)
{
	int apart, rc;

	(void)mkdirat(s->own, "apart", 0700);
	apart = openat(s->own, "apart",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = apart < 0 ? -1 : make_afresh(s, apart, name);
	io_close(&apart);
	if (rc == 0 || mkdirat(s->own, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return -1;
}
