/*
 * Room for what a rollback writes on a full disk, taken while there is some.
 * A file system that keeps a part of itself for root gives an account back
 * nothing that it frees while root has filled it.  So a record is written into
 * a piece, whose blocks there are, and what it replaces becomes the piece; only
 * where that does not do is a piece thrown away.
 */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"

/*
 * Room for a few records and lines of history, and as many inodes: what is
 * thrown away at a time is one piece.
 */
#define BALLAST_PIECES 8
#define BALLAST_BYTES (8 * 1024)
/* XFS makes no name without some 40 blocks free, of which it uses none. */
#define BALLAST_BYTES_XFS (64 * 1024)

struct ballast {
	char name[16];
};

static struct ballast
piece(int i)
{
	struct ballast b;

	snprintf(b.name, sizeof(b.name), "ballast.%d", i);
	return b;
}

static off_t
piece_bytes(const struct store *s)
{
	struct statfs v;

	return fstatfs(s->own, &v) == 0 && v.f_type == XFS_SUPER_MAGIC ?
		BALLAST_BYTES_XFS :
		BALLAST_BYTES;
}

/* One that a record was written into is small, and is filled up again. */
static int
take_piece(const struct store *s, const char *name, off_t bytes)
{
	int fd = openat(s->own, name,
		O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	int rc = -1;

	if (fd >= 0 && fstat(fd, &st) == 0)
		rc = st.st_size >= bytes || posix_fallocate(fd, 0, bytes) == 0 ?
			0 :
			-1;
	if (fd >= 0 && rc < 0 && st.st_size == 0)
		unlinkat(s->own, name, 0);
	io_close(&fd);
	return rc;
}

void
store_take_ballast(const struct store *s)
{
	int i = 0, saved = errno;
	off_t bytes = piece_bytes(s);

	while (i < BALLAST_PIECES && take_piece(s, piece(i).name, bytes) == 0)
		i++;
	errno = saved;
}

bool
store_throw_ballast(const struct store *s)
{
	int i = BALLAST_PIECES, saved = errno;
	bool thrown = false;

	if (saved == ENOSPC || saved == EDQUOT)
		while (!thrown && i-- > 0)
			thrown = unlinkat(s->own, piece(i).name, 0) == 0;
	errno = saved;
	return thrown;
}

/* From its beginning, over what is there, so that nothing is allocated. */
static int
write_over(const struct store *s, const char *name, const void *data,
	size_t len)
{
	int fd = openat(s->own, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1;

	if (fd >= 0 && io_write_full(fd, data, len) == 0 &&
		ftruncate(fd, (off_t)len) == 0)
		rc = store_fsync(s, fd);
	io_close(&fd);
	return rc;
}

/* What stood there takes the piece's place, where the kernel can do that. */
static int
put(const struct store *s, const char *from, int dir, const char *name)
{
	if (renameat2(s->own, from, dir, name, RENAME_EXCHANGE) < 0 &&
		renameat(s->own, from, dir, name) < 0)
		return -1;
	return store_fsync(s, dir) < 0 || store_fsync(s, s->own) < 0 ? -1 : 0;
}

bool
store_write_over(const struct store *s, const char *directory, const char *name,
	const void *data, size_t len)
{
	int dir, i = BALLAST_PIECES, saved = errno;
	bool done = false;

	if (s->batch || (saved != ENOSPC && saved != EDQUOT))
		return false;
	dir = openat(s->own, directory,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (dir >= 0 && !done && i-- > 0)
		done = write_over(s, piece(i).name, data, len) == 0 &&
			put(s, piece(i).name, dir, name) == 0;
	io_close(&dir);
	errno = saved;
	/* Of a large piece most is free now. */
	if (done)
		store_take_ballast(s);
	return done;
}
