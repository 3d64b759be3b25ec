/*
 * What relaxed durability did not wait for is, once it is full.  Where that
 * fails, the kernel takes for written what is not: the releases that it may be
 * about are noted, and none of them is believed, or switched to, any more.
 */
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/stage_parts.h"

/* Lies there from when something is not waited for until all of it was. */
#define UNSYNCED "unsynced"
/* Releases, an ID each line. */
#define DOUBTFUL "doubtful"
#define DOUBTFUL_MOST 65536

int
stage_note_unsynced(const struct store *s, struct error *err)
{
	int fd;

	do {
		fd = openat(s->own, UNSYNCED,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (fd < 0 && store_throw_ballast(s));
	if (fd < 0) {
		error_errno(err, "cannot write .deployd/" UNSYNCED);
		return store_trouble(err);
	}
	io_close(&fd);
	return 0;
}

bool
stage_is_settled(const struct store *s)
{
	return s->relaxed ||
		(faccessat(s->own, UNSYNCED, F_OK, 0) < 0 && errno == ENOENT);
}

/* What cannot be read may tell of any release. */
static int
load_doubtful(const struct store *s, struct buf *text, struct error *err)
{
	if (beneath_read(s->own, DOUBTFUL, DOUBTFUL_MOST, text, err) == 0 ||
		errno == ENOENT)
		return 0;
	if (errno != EIO)
		err->status = STATUS_REFUSED;
	store_trouble(err);
	if (!err->hint[0])
		error_hint(err,
			"on the server, let it be read, or remove it: then "
			"all is taken to be on disk");
	return error_prefix(err, "%s/.deployd/", s->path);
}

int
stage_is_doubtful(const struct store *s, const char *id, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (!s->relaxed)
		rc = load_doubtful(s, &text, err);
	if (rc == 0)
		rc = strstr(buf_str(&text), id) != NULL;
	buf_release(&text);
	return rc;
}

static bool
is_since(const struct stat *st, const struct stat *since)
{
	const struct timespec *a = &st->st_mtim, *b = &since->st_mtim;

	return a->tv_sec > b->tv_sec ||
		(a->tv_sec == b->tv_sec && a->tv_nsec >= b->tv_nsec);
}

/* Whether it was staged since, as what is written only then tells. */
static bool
is_staged_since(const struct store *s, const char *id, const struct stat *since)
{
	struct stat st;
	char times[64];

	snprintf(times, sizeof(times), "records/%s.times", id);
	return beneath_stat(s->own, times, &st) < 0 || is_since(&st, since);
}

static void
add_doubtful(const struct store *s, struct buf *text, const char *id)
{
	char index[64];

	if (strstr(buf_str(text), id))
		return;
	buf_addf(text, "%s\n", id);
	/* Its files count no more because they have not changed. */
	snprintf(index, sizeof(index), "records/%s.index", id);
	(void)beneath_unlink(s->own, index);
}

/* Those since then; and what is live, which may have been switched to since. */
static int
note_doubtful(const struct store *s, const struct stat *since,
	struct error *err)
{
	struct buf text = BUF_INIT;
	struct strv ids = STRV_INIT;
	char live[RELEASE_ID_LEN + 1];
	size_t i;
	int rc = -1;

	if (load_doubtful(s, &text, err) == 0 &&
		store_current(s, live, err) == 0 &&
		store_releases(s, &ids, err) == 0) {
		for (i = 0; i < ids.n; i++)
			if (!strcmp(ids.v[i], live) ||
				is_staged_since(s, ids.v[i], since))
				add_doubtful(s, &text, ids.v[i]);
		rc = store_write(s, ".", DOUBTFUL, buf_str(&text), text.len,
			err);
	}
	strv_release(&ids);
	buf_release(&text);
	return rc;
}

void
stage_forget_doubtful(const struct store *s)
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;
	struct strv ids = STRV_INIT;
	bool any = false;
	size_t i;

	/* While that lies there, when it was written still counts. */
	if (faccessat(s->own, DOUBTFUL, F_OK, 0) < 0 ||
		faccessat(s->own, UNSYNCED, F_OK, 0) == 0 || errno != ENOENT)
		return;
	if (load_doubtful(s, &text, &ignored) == 0 &&
		store_releases(s, &ids, &ignored) == 0) {
		for (i = 0; !any && i < ids.n; i++)
			any = strstr(buf_str(&text), ids.v[i]) != NULL;
		if (!any)
			unlinkat(s->own, DOUBTFUL, 0);
	}
	strv_release(&ids);
	buf_release(&text);
}

/* Whether a sync has failed since the file was made that st is of. */
static bool
failed_since(const struct store *s, const struct stat *st)
{
	struct stat failed;

	if (fstatat(s->own, DOUBTFUL, &failed, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT;
	return is_since(&failed, st);
}

static int
cannot_settle(const struct store *s, const struct stat *st, struct error *err)
{
	struct error also = ERROR_INIT;

	error_errno(err, "cannot sync what was deployed before");
	(void)store_trouble(err);
	if (note_doubtful(s, st, &also) < 0)
		return error_prefix(err, "%s; ", also.text);
	return 0;
}

int
stage_settle(struct store *s, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (s->relaxed)
		return stage_note_unsynced(s, err);
	if (fstatat(s->own, UNSYNCED, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		error_errno(err, "%s/.deployd/" UNSYNCED, s->path);
		return store_trouble(err);
	}
	if (syncfs(s->own) < 0) {
		rc = -1;
		if (cannot_settle(s, &st, err) < 0)
			return -1;
	}
	/* Else somebody who prepares may be at it yet. */
	if (s->next_lock < 0)
		return rc;
	if (failed_since(s, &st)) {
		(void)store_discard(s, "next", NULL);
		(void)unlinkat(s->own, "next.index", 0);
		stage_clear_tmp(s);
	}
	unlinkat(s->own, UNSYNCED, 0);
	return rc;
}
