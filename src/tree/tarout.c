#include "tree/tarout.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#define PIECE 65536
/* Each level of directories holds a descriptor. */
#define DEPTH_MOST 256

struct tarout {
	struct archive *tar;
	struct archive_entry *header;
	tarout_fn *write;
	void *arg;
	uint64_t left;       /* of the file under way */
	struct error failed; /* what write() said */
	bool over, has_failed;
};

static la_ssize_t
take_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	struct tarout *t = arg;

	/*
	 * What comes after a failure, or when it is given up, goes nowhere;
	 * libarchive is not told, which leaks where a write fails.
	 */
	if (!t->over && !t->has_failed &&
		t->write(t->arg, data, len, &t->failed) < 0)
		t->has_failed = true;
	return (la_ssize_t)len;
}

struct tarout *
tarout_new(tarout_fn *write, void *arg)
{
	struct tarout *t = mem_zalloc(1, sizeof(*t));

	t->write = write;
	t->arg = arg;
	t->header = archive_entry_new();
	t->tar = archive_write_new();
	/* Names of any length, and nothing that a tar would warn of. */
	if (!t->header || !t->tar ||
		archive_write_set_format_gnutar(t->tar) != ARCHIVE_OK ||
		archive_write_set_bytes_per_block(t->tar, 0) != ARCHIVE_OK ||
		archive_write_open(t->tar, t, NULL, take_bytes, NULL) !=
			ARCHIVE_OK)
		abort();
	return t;
}

void
tarout_free(struct tarout *t)
{
	if (!t)
		return;
	t->over = true;
	archive_write_free(t->tar);
	archive_entry_free(t->header);
	free(t);
}

/* How a call to libarchive ended: 0 or -1. */
static int
end(struct tarout *t, bool well, const char *path, struct error *err)
{
	const char *why;

	if (well && !t->has_failed)
		return 0;
	why = archive_error_string(t->tar);
	if (t->has_failed) {
		*err = t->failed;
		return -1;
	}
	return error_set(err, "cannot pack %s: %s", path,
		why ? why : "libarchive gave no reason");
}

int
tarout_entry(struct tarout *t, const struct tarout_entry *e, struct error *err)
{
	struct archive_entry *h = t->header;

	archive_entry_clear(h);
	archive_entry_copy_pathname(h, e->path);
	archive_entry_set_mode(h, e->mode);
	archive_entry_set_mtime(h, e->time, 0);
	archive_entry_set_uid(h, e->uid);
	archive_entry_set_gid(h, e->gid);
	archive_entry_set_size(h, 0);
	if (S_ISREG(e->mode))
		archive_entry_set_size(h, (la_int64_t)e->size);
	if (S_ISLNK(e->mode))
		archive_entry_copy_symlink(h, e->target);
	t->left = S_ISREG(e->mode) ? e->size : 0;
	return end(t, archive_write_header(t->tar, h) == ARCHIVE_OK, e->path,
		err);
}

int
tarout_data(struct tarout *t, const void *data, size_t len, struct error *err)
{
	if (len > t->left)
		return error_set(err, "more bytes than a member has");
	t->left -= len;
	if (len == 0)
		return 0;
	return end(t, archive_write_data(t->tar, data, len) == (la_ssize_t)len,
		"a file", err);
}

int
tarout_end(struct tarout *t, struct error *err)
{
	if (t->left)
		return error_set(err, "the last member is not complete");
	return end(t, archive_write_close(t->tar) == ARCHIVE_OK, "the end",
		err);
}

/* Packing what is on disk. */
struct packing {
	struct tarout *t;
	void (*skipped)(void *arg, const char *path);
	void *arg;
	struct error *err;
	char *piece;
};

static int pack(struct packing *p, int dirfd, const char *name,
	const char *path, int depth);

static int
pack_data(struct packing *p, int fd, uint64_t size, const char *path)
{
	while (size) {
		size_t want = size < PIECE ? (size_t)size : PIECE;
		ssize_t n = io_read_full(fd, p->piece, want);

		if (n < 0)
			return error_errno(p->err, "cannot read %s", path);
		if ((size_t)n < want)
			return error_set(p->err, "%s shrank while it was read",
				path);
		if (tarout_data(p->t, p->piece, want, p->err) < 0)
			return -1;
		size -= want;
	}
	if (io_read_full(fd, p->piece, 1) > 0)
		return error_set(p->err, "%s grew while it was read", path);
	return 0;
}

static int
pack_file(struct packing *p, int dirfd, const char *name,
	struct tarout_entry *e)
{
	int fd = openat(dirfd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(p->err, "cannot read %s", e->path);
	} else if (!S_ISREG(st.st_mode)) {
		error_set(p->err, "%s changed while it was read", e->path);
	} else {
		e->size = (uint64_t)st.st_size;
		if (tarout_entry(p->t, e, p->err) == 0)
			rc = pack_data(p, fd, e->size, e->path);
	}
	io_close(&fd);
	return rc;
}

static int
pack_link(struct packing *p, int dirfd, const char *name,
	struct tarout_entry *e)
{
	char target[TARGET_MOST + 2];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
	int rc;

	if (n < 0)
		return error_errno(p->err, "cannot read the link %s", e->path);
	target[n] = '\0';
	e->target = target;
	rc = tarout_entry(p->t, e, p->err);
	e->target = NULL;
	return rc;
}

static int
pack_below(struct packing *p, DIR *dir, const char *path, int depth)
{
	const char *name;
	int rc = 0, more = 0;

	while (rc == 0 && (more = io_next_name(dir, &name)) > 0) {
		char *below = mem_printf("%s/%s", path, name);

		rc = pack(p, dirfd(dir), name, below, depth + 1);
		free(below);
	}
	return more < 0 ? error_errno(p->err, "cannot read %s", path) : rc;
}

static int
pack_directory(struct packing *p, int at, const char *name,
	struct tarout_entry *e, int depth)
{
	int fd = -1, rc = -1;
	DIR *dir = NULL;

	if (depth == DEPTH_MOST)
		return error_set(p->err, "%s lies too deep to be packed",
			e->path);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir)
		error_errno(p->err, "cannot read %s", e->path);
	else if (tarout_entry(p->t, e, p->err) == 0)
		rc = pack_below(p, dir, e->path, depth);
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
	return rc;
}

static int
pack(struct packing *p, int dirfd, const char *name, const char *path,
	int depth)
{
	struct tarout_entry e = { .path = path };
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(p->err, "%s", path);
	e.mode = st.st_mode;
	e.time = st.st_mtim.tv_sec;
	e.uid = st.st_uid;
	e.gid = st.st_gid;
	if (S_ISREG(st.st_mode))
		return pack_file(p, dirfd, name, &e);
	if (S_ISLNK(st.st_mode))
		return pack_link(p, dirfd, name, &e);
	if (S_ISDIR(st.st_mode))
		return pack_directory(p, dirfd, name, &e, depth);
	if (p->skipped)
		p->skipped(p->arg, path);
	return 0;
}

int
tarout_tree(struct tarout *t, int dirfd, const char *name, const char *path,
	void (*skipped)(void *arg, const char *path), void *arg,
	struct error *err)
{
	struct packing p = { t, skipped, arg, err, mem_alloc(PIECE) };
	int rc = pack(&p, dirfd, name, path, 0);

	free(p.piece);
	return rc;
}
