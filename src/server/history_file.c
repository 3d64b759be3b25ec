/*
 * History: one line an event, appended and synced.  A line that a crash cut
 * short is ended by the next append and passed over by readers.  Behind its
 * end there is room that is allocated already, for when the disk is full.
 */
#include "server/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"

/* Who has it does so much longer only if he means no good. */
#define WAIT_MS 10000
#define TEXT_MOST (16u << 20)
/* Bytes behind the end: for some 80 lines, or three of the longest. */
#define ROOM (16 * 1024)

/* Locked, and still what has that name when it is. */
static int
open_locked(const struct store *s, enum lock_kind kind, int ms)
{
	struct stat is, named;
	int fd;

	for (;;) {
		fd = openat(s->own, "history",
			O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (fd < 0 || lock_wait(fd, kind, ms) < 0 || fstat(fd, &is) < 0)
			break;
		if (fstatat(s->own, "history", &named, AT_SYMLINK_NOFOLLOW) <
			0) {
			if (errno != ENOENT)
				break;
		} else if (is.st_ino == named.st_ino &&
			is.st_dev == named.st_dev) {
			return fd;
		}
		lock_release(&fd);
	}
	lock_release(&fd);
	return -1;
}

static int
ends_torn(int fd)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return -1;
	return last != '\n';
}

/* Not every file system can, and none has to. */
static void
keep_room(int fd, const struct stat *st)
{
	if ((int64_t)st->st_blocks * 512 < st->st_size + ROOM / 2)
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, st->st_size, ROOM);
}

/* One write, then on disk. */
int64_t
history_add(const struct store *s, const struct buf *line)
{
	int fd = open_locked(s, LOCK_SHARED, WAIT_MS);
	int torn = fd < 0 ? -1 : ends_torn(fd);
	int rc = torn < 0 ? -1 : 0;
	struct stat st = { 0 };

	/* What has a blank at its end is no event, whatever was lost. */
	if (torn > 0)
		rc = io_write_full(fd, " \n", 2);
	if (rc == 0)
		rc = io_write_full(fd, line->data, line->len);
	if (rc == 0 && fstat(fd, &st) == 0)
		keep_room(fd, &st);
	if (rc == 0)
		rc = store_fsync(s, fd);
	lock_release(&fd);
	return rc < 0 ? -1 : st.st_size;
}

/* From the first whole line of the newest TEXT_MOST bytes on: 1 if not all. */
static int
read_newest(int fd, struct buf *text, struct error *err)
{
	struct stat st;
	char *nl;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "history");
	if (st.st_size > TEXT_MOST &&
		lseek(fd, st.st_size - TEXT_MOST, SEEK_SET) < 0)
		return error_errno(err, "history");
	/* What comes meanwhile may make it longer. */
	if (io_read_rest(fd, "history", 2 * TEXT_MOST, text, err) < 0)
		return -1;
	if (st.st_size <= TEXT_MOST)
		return 0;
	nl = memchr(buf_str(text), '\n', text->len);
	buf_consume(text, nl ? (size_t)(nl + 1 - text->data) : 0);
	return 1;
}

int
history_text(const struct store *s, struct buf *text, struct error *err)
{
	int fd = beneath_open_file(s->own, "history");
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		error_errno(err, "%s/.deployd/history", s->path);
		return errno == EINVAL || errno == ELOOP ?
			store_refuse_damage(s, err) :
			store_trouble(err);
	}
	rc = read_newest(fd, text, err);
	io_close(&fd);
	return rc < 0 ? -1 : 0;
}

/* What is there twice from here on is there once when the other is renamed. */
static int
set_aside(const struct store *s, struct error *err)
{
	if (unlinkat(s->own, "history.1", 0) < 0 && errno != ENOENT)
		return error_errno(err, "history.1");
	if (linkat(s->own, "history", s->own, "history.1", 0) < 0)
		return error_errno(err, "history.1");
	return 0;
}

/* Whether there is less than twice as much free as both texts take. */
static bool
is_full(const struct store *s, size_t len)
{
	struct statvfs v;

	return fstatvfs(s->own, &v) < 0 ||
		(uint64_t)v.f_bavail * v.f_frsize < 4 * (uint64_t)len;
}

int
history_rewrite(const struct store *s, history_edit_fn *edit, void *arg,
	bool cut, struct error *err)
{
	struct buf old = BUF_INIT, text = BUF_INIT;
	int fd = open_locked(s, LOCK_ALONE, cut ? 0 : WAIT_MS), rc;
	bool changes;

	rc = fd < 0 ? error_errno(err, "history") : read_newest(fd, &old, err);
	changes = rc >= 0 && edit(s, &old, &text, arg) &&
		!(cut && is_full(s, text.len));
	/* Of those that were killed at it: who has the lock is alone. */
	if (changes)
		replace_tidy(s->own, "history.", NULL);
	/* What was not read is not to be lost, either. */
	if (changes && (cut || rc > 0))
		rc = set_aside(s, err);
	if (changes && rc >= 0)
		rc = replace_file(s->own, "history", buf_str(&text), text.len,
			0600, REPLACE_SYNC, err);
	lock_release(&fd);
	buf_release(&old);
	buf_release(&text);
	return rc < 0 ? -1 : 0;
}
