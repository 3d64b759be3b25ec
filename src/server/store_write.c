/* What is written whole or not at all: files, and the link `current'. */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/replace.h"

#define LINK_PREFIX "releases/"
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int
store_fsync(const struct store *s, int fd)
{
	return s->relaxed ? 0 : io_fsync(fd);
}

static enum replace_sync
sync_of(const struct store *s)
{
	return s->relaxed ? REPLACE_FAST : REPLACE_SYNC;
}

/* How a person is told of it: by its path in the app. */
static void
name_place(struct replace *file, const char *directory)
{
	bool own = !strcmp(directory, ".");

	snprintf(file->place, sizeof(file->place), ".deployd/%s%s",
		own ? "" : directory, own ? "" : "/");
}

int
store_begin(const struct store *s, const char *directory, const char *name,
	struct replace *file, struct error *err)
{
	int dir = openat(s->own, directory, DIRECTORY);
	int rc = dir < 0 ? -1 : replace_begin(file, dir, name, 0600, err);

	name_place(file, directory);
	if (rc == 0)
		return 0;
	error_errno(err, "cannot write %s%s", file->place, name);
	io_close(&dir);
	return store_trouble(err);
}

int
store_give_up(struct replace *file, const char *name, struct error *err)
{
	error_errno(err, "cannot write %s%s", file->place, name);
	replace_abandon(file);
	io_close(&file->dirfd);
	return store_trouble(err);
}

int
store_end(const struct store *s, struct replace *file, const char *name,
	struct error *err)
{
	struct replace_batch one = REPLACE_BATCH_INIT;
	int rc;

	replace_keep(s->batch ? s->batch : &one, file, name);
	rc = replace_all(&one, sync_of(s), err);
	replace_release(&one);
	return rc < 0 ? store_trouble(err) : 0;
}

int
store_write(const struct store *s, const char *directory, const char *name,
	const void *data, size_t len, struct error *err)
{
	struct replace file;

	if (store_begin(s, directory, name, &file, err) < 0)
		return -1;
	if (replace_write(&file, data, len) < 0)
		return store_give_up(&file, name, err);
	return store_end(s, &file, name, err);
}

void
store_batch(struct store *s)
{
	s->batch = mem_zalloc(1, sizeof(*s->batch));
}

int
store_batch_end(struct store *s, bool give_up, struct error *err)
{
	struct replace_batch *b = s->batch;
	int rc = 0;

	s->batch = NULL;
	if (!give_up && replace_all(b, sync_of(s), err) < 0)
		rc = store_trouble(err);
	replace_release(b);
	free(b);
	return rc;
}

bool
store_leads(int dir, char id[static RELEASE_ID_LEN + 1])
{
	char target[sizeof(LINK_PREFIX) + RELEASE_ID_LEN + 1];
	ssize_t n = readlinkat(dir, "current", target, sizeof(target));

	if (n != (ssize_t)strlen(LINK_PREFIX) + RELEASE_ID_LEN)
		return false;
	target[n] = '\0';
	memcpy(id, target + strlen(LINK_PREFIX), RELEASE_ID_LEN + 1);
	return !strncmp(target, LINK_PREFIX, strlen(LINK_PREFIX)) &&
		path_is_release(id);
}

int
store_current(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	struct stat st;

	if (store_leads(s->dir, id))
		return 0;
	id[0] = '\0';
	if (fstatat(s->dir, "current", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ?
			0 :
			error_errno(err, "%s/current", s->path);
	error_status(err, STATUS_REFUSED,
		"%s/current is not deployd's own "
		"link to a release",
		s->path);
	return error_hint(err,
		"move it away on the server, then: deployd fsck %s", s->app);
}

int
store_switch(struct store *s, const char *id, struct error *err)
{
	char target[64];
	bool thrown = false;
	int rc;

	snprintf(target, sizeof(target), LINK_PREFIX "%s", id);
	while ((rc = replace_link(s->dir, "current", target, sync_of(s), err)) <
			0 &&
		store_throw_ballast(s))
		thrown = true;
	/* It may have been needed for a moment only. */
	if (thrown)
		store_take_ballast(s);
	return rc < 0 ? store_trouble(err) : 0;
}

int
store_switch_none(struct store *s, struct error *err)
{
	if ((unlinkat(s->dir, "current", 0) < 0 && errno != ENOENT) ||
		store_fsync(s, s->dir) < 0)
		return error_errno(err, "cannot remove %s/current", s->path);
	return 0;
}
