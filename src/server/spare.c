#include "server/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"
#include "server/copy.h"
#include "server/plan.h"
#include "server/recycle.h"
#include "server/spare_sync.h"
#include "server/stage.h"
#include "server/times.h"

#define MARK "next.spare"

/* What the spare shall be. */
struct spare {
	struct store *s;
	const struct config *c;
	const struct busy *busy;
	char id[RELEASE_ID_LEN + 1];
	struct manifest m;
	int64_t *times;
};

static bool
exists(const struct store *s, const char *name)
{
	struct stat st;

	return fstatat(s->own, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
spare_is_there(const struct store *s)
{
	return exists(s, MARK) && exists(s, "next");
}

/* Which release it equals, "" if none. */
static void
read_mark(const struct store *s, char id[static RELEASE_ID_LEN + 1])
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;

	id[0] = '\0';
	if (beneath_read(s->own, MARK, RELEASE_ID_LEN, &text, &ignored) == 0)
		snprintf(id, RELEASE_ID_LEN + 1, "%s", buf_str(&text));
	buf_release(&text);
}

static void
write_mark(const struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;

	(void)replace_file(s->own, MARK, id, strlen(id), 0600, REPLACE_FAST,
		&ignored);
}

bool
spare_is_needed(const struct store *s)
{
	char live[RELEASE_ID_LEN + 1], id[RELEASE_ID_LEN + 1];
	struct error ignored = ERROR_INIT;

	if (store_current(s, live, &ignored) < 0 || !*live)
		return false;
	if (!exists(s, "next"))
		return true;
	/* What an unfinished upload left is none. */
	if (!exists(s, MARK))
		return false;
	read_mark(s, id);
	return strcmp(id, live) != 0;
}

/* What is live: its manifest and times. */
static int
load(struct spare *x, struct error *err)
{
	struct record r = { 0 };
	int rc = -1;

	if (store_current(x->s, x->id, err) == 0 && *x->id &&
		record_load(x->s, x->id, &r, err) == 0 &&
		store_load_manifest(x->s, r.manifest, &x->m, err) == 0)
		rc = times_load(x->s, x->id, x->m.n, &x->times);
	record_release(&r);
	return rc;
}

/*
 * Leaves out what the live release has no more as it was deployed; the next
 * deploy finds it missing.  True if there was any.
 */
static bool
leave_out(struct spare *x, const struct plan *p)
{
	struct manifest *m = &x->m;
	size_t i, n = 0;
	bool any;

	for (i = 0; i < m->n; i++) {
		if (m->v[i].type == ENTRY_FILE &&
			plan_supply(p, &m->v[i])->where == SUPPLY_NONE)
			continue;
		x->times[n] = x->times[i];
		m->v[n++] = m->v[i];
	}
	any = n < m->n;
	m->n = n;
	return any;
}

static int
make_plan(struct spare *x, struct plan *p, struct error *err)
{
	const struct plan_options o = {
		.spare = true, .chunks = CHUNKS_NOT, .busy = x->busy
	};
	int rc = plan_make(p, x->s, &x->m, &o, err);

	if (rc == 0 && leave_out(x, p)) {
		plan_release(p);
		rc = plan_make(p, x->s, &x->m, &o, err);
	}
	return rc;
}

/*
 * It must not be the reason why the next deploy has no room: the reserve
 * stays free, and twice the tree, in bytes and in inodes.
 */
static bool
has_room(const struct spare *x, const struct plan *p)
{
	uint64_t files, bytes, copies = plan_copies(p), free_bytes;
	struct statvfs v;

	if (fstatvfs(x->s->own, &v) < 0)
		return false;
	manifest_count(&x->m, &files, &bytes);
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	if (copies && copy_can_clone(x->s->own))
		copies = 0;
	return free_bytes / 2 >= bytes && copies <= free_bytes - 2 * bytes &&
		x->c->reserve <= free_bytes - 2 * bytes - copies &&
		(!v.f_files || v.f_favail / 2 >= x->m.n);
}

static int
stage(struct spare *x, struct plan *p, struct error *err)
{
	const struct stage_options o = { .times = x->times,
		.umask = x->c->umask,
		.spare = true,
		.busy = x->busy };

	if (has_room(x, p))
		return stage_tree(x->s, p, &o, err);
	store_discard(x->s, "next", NULL);
	return -1;
}

static int
sync_new(struct spare *x, const struct plan *p, int next, struct error *err)
{
	bool *new = mem_zalloc(x->m.n, sizeof(*new));
	struct stage_synced synced = { next, p, new, 0 };
	size_t i;
	int rc;

	for (i = 0; i < x->m.n; i++) {
		new[i] = p->seen[i].place != PLACE_SYNCED;
		synced.n += new[i];
	}
	rc = stage_sync_touched(x->s, &synced, err);
	free(new);
	return rc;
}

/* Whether next/ still is what it was when the lock was let go. */
static bool
lock_again(struct spare *x)
{
	char id[RELEASE_ID_LEN + 1];

	x->s->next_lock = lock_take(x->s->own, STORE_NEXT_LOCK, "preparing");
	if (x->s->next_lock < 0)
		return false;
	read_mark(x->s, id);
	return !strcmp(id, x->id) && exists(x->s, "next");
}

/*
 * The disk may take its time, in which nobody can tell us anything.  So the
 * lock is not held: whoever comes meanwhile takes over what is there, reads
 * again what is new, and waits to hear of our failure.
 */
static void
sync_unlocked(struct spare *x, const struct plan *p, int next,
	struct error *err)
{
	int running = spare_sync_begin(x->s);
	bool synced = false, taken = false;

	if (running >= 0) {
		/* The session that began us may have it open yet. */
		lock_release(&x->s->next_lock);
		synced = sync_new(x, p, next, err) == 0;
		/* Who took it over moves what is in it, and no disk fails. */
		taken = !synced && (errno == ENOENT || errno == ENOTDIR);
		spare_sync_end(x->s, running, synced || taken);
		if (!lock_again(x))
			return;
	}
	if (synced)
		(void)stage_save_index(x->s, p, true, err);
	else if (running >= 0 && !taken)
		spare_sync_heed(x->s);
	else
		stage_distrust(x->s);
}

static void
finish(struct spare *x, const struct plan *p, struct error *err)
{
	int next = openat(x->s->own, "next",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	stage_let_pass(p, 0);
	if (next >= 0 && stage_save_index(x->s, p, false, err) == 0) {
		write_mark(x->s, x->id);
		sync_unlocked(x, p, next, err);
	}
	io_close(&next);
}

/*
 * What could not be made into a spare would be in the way of the next deploy,
 * unless it is that one which stopped us.
 */
static void
give_up(struct spare *x)
{
	struct error ignored = ERROR_INIT;

	if (busy_turn(x->busy, &ignored) == 0 &&
		store_discard(x->s, "next", NULL) == 0)
		unlinkat(x->s->own, "next.index", 0);
}

void
spare_make(struct store *s, const struct config *c, const struct busy *busy)
{
	struct spare x = { .s = s, .c = c, .busy = busy };
	struct error ignored = ERROR_INIT;
	struct plan p = { 0 };

	if (load(&x, &ignored) == 0) {
		write_mark(s, "");
		if (!exists(s, "next")) {
			unlinkat(s->own, "next.index", 0);
			recycle_dropped(s, busy);
		}
		if (make_plan(&x, &p, &ignored) == 0 &&
			stage(&x, &p, &ignored) == 0)
			finish(&x, &p, &ignored);
		else
			give_up(&x);
	}
	plan_release(&p);
	manifest_release(&x.m);
	free(x.times);
}
