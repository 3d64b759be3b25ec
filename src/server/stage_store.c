/* next/ becomes a release, and a release next/ again. */
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/rmtree.h"
#include "server/prepare.h"
#include "server/recycle.h"

/* The paths of a release below its app's handles. */
static void
names(const char *id, char tree[static 64], char index[static 64])
{
	snprintf(tree, 64, "releases/%s", id);
	snprintf(index, 64, "records/%s.index", id);
}

int
stage_commit(struct store *s, const char *id, struct error *err)
{
	char tree[64], index[64];
	int fd = -1;

	names(id, tree, index);
	if (beneath_rename(s->own, store_next_index(s), s->own, index) < 0 ||
		beneath_rename(s->own, store_next(s), s->dir, tree) < 0)
		goto failed;
	fd = beneath_open(s->dir, "releases", O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0 && store_fsync(s, fd) == 0) {
		io_close(&fd);
		return 0;
	}
failed:
	error_errno(err, "cannot make release %s", id);
	io_close(&fd);
	return store_trouble(err);
}

void
stage_distrust(struct store *s)
{
	s->unwritten = true;
	(void)store_discard(s, store_next(s), NULL);
	(void)unlinkat(s->own, store_next_index(s), 0);
}

int
stage_take_away(struct store *s, const char *id, struct error *err)
{
	char tree[64], index[64], trash[64];

	names(id, tree, index);
	if (s->unwritten)
		(void)beneath_unlink(s->own, index);
	/* Of what is not written no use is made: it bears no ID there. */
	snprintf(trash, sizeof(trash), "trash/%s%s", id,
		s->unwritten ? ".unwritten" : "");
	if (beneath_rename(s->dir, tree, s->own, trash) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove release %s", id);
	return 0;
}

void
stage_take_back(struct store *s, const char *id)
{
	/* Another next/ may be there already. */
	if (s->unwritten || s->bypass ||
		(unlinkat(s->own, "next", AT_REMOVEDIR) < 0 && errno != ENOENT))
		return;
	recycle_failed(s, id);
}

struct switched {
	const char *id;
	bool was;
};

static int
note_switch(const struct event *e, void *arg)
{
	struct switched *s = arg;

	if (strcmp(e->id, s->id) != 0)
		return 0;
	if (!strcmp(e->name, "switching"))
		s->was = true;
	else if (!strcmp(e->name, "reverted"))
		s->was = false;
	return 0;
}

/* The record of one that was switched to may not say so any more. */
bool
stage_is_left(const struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct switched to = { id, false };
	struct record r = { 0 };
	bool left = record_load(s, id, &r, &ignored) == 0 &&
		(!strcmp(r.state, "staged") || !strcmp(r.state, "failed"));

	record_release(&r);
	return left && history_each(s, note_switch, &to, &ignored) == 0 &&
		!to.was;
}

int
stage_recover(struct store *s, struct error *err)
{
	char live[RELEASE_ID_LEN + 1];
	struct strv ids = STRV_INIT;
	size_t i;
	int rc = 0;

	if (store_current(s, live, err) < 0 || store_releases(s, &ids, err) < 0)
		return -1;
	for (i = 0; i < ids.n && rc == 0; i++) {
		if (!strcmp(ids.v[i], live) || !stage_is_left(s, ids.v[i]))
			continue;
		prepare_stop(s, PREPARE_MS);
		rc = stage_take_away(s, ids.v[i], err);
		if (rc == 0)
			stage_take_back(s, ids.v[i]);
	}
	strv_release(&ids);
	return rc;
}

void
stage_clear_tmp(struct store *s)
{
	int fd = openat(s->own, "tmp",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		(void)rmtree_contents(fd);
	io_close(&fd);
}
