#include "tree/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/io.h"

/* Timestamps may be behind the clock by some of a kernel's ticks. */
#define TICK_NS 100000000

void
source_directory(struct source *s, int dirfd, bool exact_modes)
{
	memset(s, 0, sizeof(*s));
	s->dirfd = dirfd;
	s->spool = -1;
	s->exact_modes = exact_modes;
	s->since = io_wall_ns() - TICK_NS;
	beneath_init(&s->at, dirfd);
}

void
source_release(struct source *s)
{
	beneath_release(&s->at);
	io_close(&s->spool);
	free(s->offsets);
	s->offsets = NULL;
	s->dirfd = -1;
}

/*
 * An open file description of its own, not a duplicate: several targets may
 * be in the middle of several files.
 */
static int
open_spool(const struct source *s, uint64_t offset, const char *path,
	struct error *err)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", s->spool);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || lseek(fd, (off_t)offset, SEEK_SET) < 0) {
		error_errno(err, "cannot read %s back from what was unpacked",
			path);
		io_close(&fd);
	}
	return fd;
}

static int
open_beneath(struct source *s, const char *path)
{
	const char *leaf;
	int dir = beneath_at(&s->at, path, &leaf);

	if (dir < 0)
		return -1;
	return openat(dir, leaf,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int
open_path(struct source *s, const char *path, struct error *err)
{
	int fd = open_beneath(s, path);

	/* Its directory may have been replaced by one in which it is. */
	if (fd < 0 && errno == ENOENT) {
		beneath_forget(&s->at);
		fd = open_beneath(s, path);
	}
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(err, "%s vanished while it was sent", path);
	if (errno == ELOOP)
		return error_set(err, "%s is no longer a regular file", path);
	return error_errno(err, "cannot read %s", path);
}

static bool
before(const struct timespec *t, int64_t ns)
{
	return t->tv_sec * INT64_C(1000000000) + t->tv_nsec < ns;
}

static int
open_file(struct source *s, const char *path, uint64_t offset,
	struct source_file *f, struct error *err)
{
	struct stat st;

	f->fd = open_path(s, path, err);
	if (f->fd < 0)
		return -1;
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		io_close(&f->fd);
		return error_set(err, "%s is no longer a regular file", path);
	}
	if (offset && lseek(f->fd, (off_t)offset, SEEK_SET) < 0) {
		error_errno(err, "cannot read %s", path);
		io_close(&f->fd);
		return -1;
	}
	f->size = (uint64_t)st.st_size;
	f->settled = before(&st.st_ctim, s->since);
	return 0;
}

int
source_open(struct source *s, const struct manifest *m, const struct entry *e,
	uint64_t offset, struct source_file *f, struct error *err)
{
	size_t place = (size_t)(e - m->v);

	*f = (struct source_file){ .fd = -1, .size = e->size, .settled = true };
	if (s->dirfd < 0) {
		f->fd = open_spool(s, s->offsets[place] + offset, e->path, err);
		return f->fd < 0 ? -1 : 0;
	}
	f->kept = kept_take(s->kept, place);
	if (!f->kept)
		return open_file(s, e->path, offset, f, err);
	f->size = f->kept->size;
	f->at = offset < f->size ? (size_t)offset : f->kept->size;
	return 0;
}

ssize_t
source_read(struct source_file *f, char *buffer, size_t size)
{
	size_t left;

	if (!f->kept)
		return io_read_full(f->fd, buffer, size);
	left = f->kept->size - f->at;
	if (size > left)
		size = left;
	memcpy(buffer, f->kept->data + f->at, size);
	f->at += size;
	return (ssize_t)size;
}

void
source_close(struct source_file *f)
{
	io_close(&f->fd);
	free(f->kept);
	f->kept = NULL;
}

int
source_confine(const struct source *s, struct error *err)
{
	const struct confine_rule rules[] = {
		{ s->dirfd, CONFINE_READ },
		{ s->spool, CONFINE_READ },
	};
	/* Other threads are in another domain, or none. */
	const struct confine c = { .rules = rules, .n = 2, .others = true };

	return confine_privileges(err) < 0 || confine_files(&c, err) < 0 ? -1 :
									   0;
}
