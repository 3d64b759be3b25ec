#include "server/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/du.h"
#include "base/io.h"
#include "server/parts.h"
#include "server/prepare.h"
#include "server/spare.h"

/* For each of the four figures. */
#define FIGURE_MS 500
#define PRUNE_MS 5000
/* The spare's name in trash/. */
#define SPARE "dropped.spare"

static void
count(uint64_t *figure, int dir, const char *const *names, const char *what,
	struct buf *more)
{
	struct du d = DU_INIT;

	d.deadline = io_now_ms() + FIGURE_MS;
	for (; *names; names++)
		du_add(&d, dir, *names);
	*figure = d.bytes;
	if (d.partial)
		buf_addf(more, "%s%s", more->len ? " " : "", what);
	du_release(&d);
}

void
room_status(const struct store *s, struct msg_status *out)
{
	static const char *const releases[] = { "releases", NULL },
				 *const next[] = { "next", "stage", "tmp",
					 NULL },
				 *const shared[] = { "shared", NULL },
				 *const cache[] = { "cache", NULL };
	struct buf more = BUF_INIT;

	count(&out->releases_bytes, s->dir, releases, "releases", &more);
	count(&out->next_bytes, s->own, next, "next", &more);
	count(&out->shared_bytes, s->dir, shared, "shared", &more);
	count(&out->cache_bytes, s->own, cache, "cache", &more);
	if (more.len)
		out->more = buf_detach(&more);
	buf_release(&more);
}

/* No more is counted than time allows: then there is no saying. */
#define GAIN_UNKNOWN (UINT64_MAX / 4)

void
room_gain(const struct store *s, const struct strv *ids,
	const struct strv *strays, struct room_gain *gain)
{
	int next = openat(s->own, store_next(s),
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct du d = DU_INIT;
	char name[64];
	size_t i;

	d.deadline = io_now_ms() + PRUNE_MS;
	for (i = 0; i < ids->n; i++) {
		snprintf(name, sizeof(name), "releases/%s", ids->v[i]);
		du_add(&d, s->dir, name);
	}
	for (i = 0; next >= 0 && i < strays->n; i++)
		du_add(&d, next, strays->v[i]);
	gain->bytes += d.partial ? GAIN_UNKNOWN : d.bytes;
	gain->inodes += d.partial ? GAIN_UNKNOWN : d.entries;
	du_release(&d);
	io_close(&next);
}

/* What is told of one pruning. */
struct telling {
	struct du du;
	room_fn *fn;
	void *arg;
};

static void
tell(struct telling *t, uint64_t before, const char *id)
{
	const struct msg_dropped m = { .release = (char *)id,
		.bytes = t->du.bytes - before,
		.more = t->du.partial };

	t->fn(t->arg, &m);
}

static void
tell_releases(struct telling *t, int dir, const char *below,
	const struct strv *ids)
{
	char name[64];
	size_t i;

	for (i = 0; i < ids->n; i++) {
		uint64_t before = t->du.bytes;

		snprintf(name, sizeof(name), "%s/%s", below, ids->v[i]);
		du_add(&t->du, dir, name);
		tell(t, before, ids->v[i]);
	}
}

/* What lies in trash/ besides. */
static void
tell_trash(struct telling *t, const struct store *s, const struct strv *but)
{
	int fd = openat(s->own, "trash",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t before = t->du.bytes;
	const char *name;
	size_t n = 0;
	int rc = 0;

	while (dir && (rc = io_next_name(dir, &name)) > 0)
		if (!strv_has(but, name)) {
			du_add(&t->du, fd, name);
			n++;
		}
	if (rc < 0)
		t->du.partial = true;
	if (dir)
		closedir(dir);
	if (n)
		tell(t, before, NULL);
}

/* The first thing to go, where room is short. */
static void
drop_spare(struct telling *t, struct store *s, const struct config *c,
	bool dry_run)
{
	struct statvfs v;
	struct msg_dropped m = { .spare = true };

	if (!spare_is_there(s) || fstatvfs(s->own, &v) < 0 ||
		(uint64_t)v.f_bavail * v.f_frsize >= c->reserve)
		return;
	if (!dry_run)
		prepare_stop(s, PREPARE_MS);
	du_add(&t->du, s->own, "next");
	if (!dry_run && (s->bypass || store_discard(s, "next", SPARE) < 0))
		return;
	m.bytes = t->du.bytes;
	m.more = t->du.partial;
	t->fn(t->arg, &m);
}

int
room_make(struct store *s, const struct config *c, bool dry_run, room_fn *fn,
	void *arg, struct error *err)
{
	const struct prune_options o = { .keep = c->keep, .lost = true };
	struct telling t = { DU_INIT, fn, arg };
	struct strv ids = STRV_INIT, told = STRV_INIT;
	struct config without_spare = *c;
	size_t i;
	int rc = dry_run ? prune_plan(s, &o, &ids, err) :
			   prune_releases(s, &o, &ids, err);

	t.du.deadline = io_now_ms() + PRUNE_MS;
	drop_spare(&t, s, c, dry_run);
	tell_releases(&t, dry_run ? s->dir : s->own,
		dry_run ? "releases" : "trash", &ids);
	strv_add(&told, SPARE);
	for (i = 0; !dry_run && i < ids.n; i++)
		strv_add(&told, ids.v[i]);
	if (!dry_run) {
		parts_adopt(s, 0);
		(void)parts_drop(s);
	}
	tell_trash(&t, s, &told);
	/* What was dropped is to be gone. */
	without_spare.spare = false;
	if (!dry_run)
		prepare_start(s, &without_spare);
	du_release(&t.du);
	strv_release(&ids);
	strv_release(&told);
	return rc;
}
