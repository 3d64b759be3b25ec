#include "server/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/du.h"
#include "base/io.h"

/* For each of the four figures. */
#define FIGURE_MS 500
#define PRUNE_MS 5000

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
				 *const next[] = { "next", "tmp", NULL },
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
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
			!strv_has(but, e->d_name)) {
			du_add(&t->du, fd, e->d_name);
			n++;
		}
	if (dir)
		closedir(dir);
	if (n)
		tell(t, before, NULL);
}

int
room_make(struct store *s, uint64_t keep, bool dry_run, room_fn *fn, void *arg,
	struct error *err)
{
	struct telling t = { DU_INIT, fn, arg };
	struct strv ids = STRV_INIT, none = STRV_INIT;
	int rc = dry_run ? prune_plan(s, keep, &ids, err) :
			   prune_releases(s, keep, &ids, err);

	t.du.deadline = io_now_ms() + PRUNE_MS;
	if (dry_run)
		tell_releases(&t, s->dir, "releases", &ids);
	else
		tell_releases(&t, s->own, "trash", &ids);
	tell_trash(&t, s, dry_run ? &none : &ids);
	if (!dry_run)
		prune_trash(s);
	du_release(&t.du);
	strv_release(&ids);
	return rc;
}
