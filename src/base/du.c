#include "du.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io.h"
#include "mem.h"

#define BLOCK 512 /* the unit of st_blocks, whatever the file system's */
/* The clock is looked at once in so many entries. */
#define CLOCK_EVERY 64
/* Each level of directories holds a descriptor. */
#define DEPTH_MOST 256

static size_t
place_of(const struct du *d, uint64_t device, uint64_t inode)
{
	size_t i = (inode * 0x9e3779b97f4a7c15u ^ device) & (d->size - 1);

	while (d->seen[i].inode &&
		(d->seen[i].inode != inode || d->seen[i].device != device))
		i = (i + 1) & (d->size - 1);
	return i;
}

static void
grow(struct du *d)
{
	struct du old = *d;
	size_t i;

	d->size = old.size ? old.size * 2 : 64;
	d->seen = mem_zalloc(d->size, sizeof(*d->seen));
	for (i = 0; i < old.size; i++)
		if (old.seen[i].inode)
			d->seen[place_of(d, old.seen[i].device,
				old.seen[i].inode)] = old.seen[i];
	free(old.seen);
}

/* Whether a file with several names is met for the first time. */
static bool
is_new(struct du *d, const struct stat *st)
{
	size_t i;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return true;
	if (d->n * 2 >= d->size)
		grow(d);
	i = place_of(d, st->st_dev, st->st_ino);
	if (d->seen[i].inode)
		return false;
	d->seen[i] = (struct du_file){ st->st_dev, st->st_ino };
	d->n++;
	return true;
}

static bool
is_over(struct du *d)
{
	if (d->deadline && !d->over && io_now_ms() >= d->deadline)
		d->over = d->partial = true;
	return d->over;
}

static void add(struct du *d, int dirfd, const char *name, int depth);

static void
add_directory(struct du *d, int dirfd, const char *name, int depth)
{
	int fd = openat(dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *entry;
	unsigned n = 0;
	int rc = 0;

	while (dir && (rc = io_next_name(dir, &entry)) > 0) {
		if (n++ % CLOCK_EVERY == 0 && is_over(d))
			break;
		add(d, fd, entry, depth);
	}
	if (rc < 0)
		d->partial = true;
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
}

static void
add(struct du *d, int dirfd, const char *name, int depth)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) <
			0 ||
		!is_new(d, &st))
		return;
	d->bytes += (uint64_t)st.st_blocks * BLOCK;
	d->entries++;
	if (!S_ISDIR(st.st_mode))
		return;
	if (depth == DEPTH_MOST)
		d->partial = true;
	else
		add_directory(d, dirfd, name, depth + 1);
}

void
du_add(struct du *d, int dirfd, const char *name)
{
	if (!is_over(d))
		add(d, dirfd, name, 0);
}

void
du_release(struct du *d)
{
	free(d->seen);
	*d = (struct du)DU_INIT;
}
