/* Replacing several files at once: the disk is waited for once. */
#include "replace.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "io.h"
#include "mem.h"

struct replacement {
	struct replace file; /* its dirfd is owned */
	char *name;
};

static void
discard(struct replacement *r)
{
	replace_abandon(&r->file);
	free(r->name);
	io_close(&r->file.dirfd);
}

static int
failed(const struct replace *file, const char *name, struct error *err)
{
	return error_errno(err, "cannot write %s%s", file->place, name);
}

void
replace_keep(struct replace_batch *b, const struct replace *file,
	const char *name)
{
	MEM_GROW(b->v, b->n, b->cap);
	b->v[b->n].file = *file;
	b->v[b->n++].name = mem_strdup(name);
}

int
replace_add(struct replace_batch *b, int dirfd, const char *name,
	const void *data, size_t len, mode_t mode, struct error *err)
{
	struct replace file;

	if (replace_begin(&file, dirfd, name, mode, err) == 0) {
		if (replace_write(&file, data, len) == 0) {
			replace_keep(b, &file, name);
			return 0;
		}
		failed(&file, name, err);
	}
	replace_abandon(&file);
	io_close(&file.dirfd);
	return -1;
}

/* Writing begins for all before the first is waited for. */
static int
sync_files(const struct replace_batch *b, struct error *err)
{
	size_t i;

	for (i = 0; b->n > 1 && i < b->n; i++)
		(void)sync_file_range(b->v[i].file.fd, 0, 0,
			SYNC_FILE_RANGE_WRITE);
	for (i = 0; i < b->n; i++)
		if (io_fsync(b->v[i].file.fd) < 0)
			return failed(&b->v[i].file, b->v[i].name, err);
	return 0;
}

static bool
same_directory(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
		x.st_dev == y.st_dev;
}

static int
sync_directories(const struct replace_batch *b, struct error *err)
{
	const struct replacement *v = b->v;
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (i && same_directory(v[i - 1].file.dirfd, v[i].file.dirfd))
			continue;
		if (io_fsync(v[i].file.dirfd) < 0)
			return failed(&v[i].file, v[i].name, err);
	}
	return 0;
}

int
replace_all(struct replace_batch *b, enum replace_sync sync, struct error *err)
{
	size_t i;

	if (sync == REPLACE_SYNC && sync_files(b, err) < 0)
		return -1;
	for (i = 0; i < b->n; i++)
		if (replace_end(&b->v[i].file, b->v[i].name, REPLACE_FAST,
			    err) < 0)
			return -1;
	return sync == REPLACE_SYNC ? sync_directories(b, err) : 0;
}

void
replace_release(struct replace_batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		discard(&b->v[i]);
	free(b->v);
	*b = (struct replace_batch)REPLACE_BATCH_INIT;
}
