#include "server/parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "server/writer.h"
#include "tree/chunk.h"

static int
each(const struct store *s, const char *prefix, parts_fn *fn, void *arg)
{
	int fd = openat(s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	int rc = 0;

	/* What cannot be read of it comes again. */
	while (dir && rc == 0 && io_next_name(dir, &name) > 0)
		if (!strncmp(name, prefix, strlen(prefix)))
			rc = fn(arg, fd, name);
	if (dir)
		closedir(dir);
	return rc;
}

int
parts_each(const struct store *s, parts_fn *fn, void *arg)
{
	return each(s, PARTS_PREFIX, fn, arg);
}

static bool
is_worth_it(int tmp, const char *name, uint64_t reserve)
{
	struct statvfs v;
	struct stat st;

	return fstatat(tmp, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) && st.st_size > CHUNK_FILE &&
		fstatvfs(tmp, &v) == 0 &&
		(uint64_t)v.f_bavail * v.f_frsize >
		reserve + (uint64_t)st.st_size;
}

void
parts_keep(int tmp, const char *name, uint64_t reserve)
{
	char part[WRITER_NAME + sizeof(PARTS_PREFIX)];

	snprintf(part, sizeof(part), PARTS_PREFIX "%s",
		name + strlen(WRITER_PREFIX));
	if (!is_worth_it(tmp, name, reserve) ||
		renameat(tmp, name, tmp, part) < 0)
		(void)unlinkat(tmp, name, 0);
}

static int
adopt(void *arg, int tmp, const char *name)
{
	const uint64_t *reserve = arg;

	parts_keep(tmp, name, *reserve);
	return 0;
}

void
parts_adopt(const struct store *s, uint64_t reserve)
{
	(void)each(s, WRITER_PREFIX, adopt, &reserve);
}

struct dropping {
	const struct store *s;
	bool any;
};

static int
drop(void *arg, int tmp, const char *name)
{
	struct dropping *d = arg;
	char path[300];

	snprintf(path, sizeof(path), "tmp/%s", name);
	/* A quota may not let it be moved. */
	if (store_discard(d->s, path, name) == 0 || unlinkat(tmp, name, 0) == 0)
		d->any = true;
	return 0;
}

bool
parts_drop(const struct store *s)
{
	struct dropping d = { s, false };

	(void)parts_each(s, drop, &d);
	return d.any;
}
