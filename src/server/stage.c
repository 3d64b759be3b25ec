#include "server/stage_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rmtree.h"
#include "server/spare_sync.h"

/* What a spare moves about goes through here, and is lost if it is killed. */
#define SPARE_TMP "trash/spare"

/* Moves what is wanted elsewhere out of next/'s way, into tmp/HEX. */
static int
salvage(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->n; i++) {
		struct supply *u = &t->p->v[i];
		char hex[DIGEST_HEX + 1];
		const char *leaf;
		int dir;

		if (u->where != SUPPLY_NEXT)
			continue;
		digest_to_hex(u->digest, hex);
		dir = beneath_at(&t->at, u->path, &leaf);
		if (dir < 0 || renameat(dir, leaf, t->tmp, hex) < 0)
			return stage_failed(t, u->path);
		stage_touch_parent(t, u->path);
		u->where = SUPPLY_TMP;
	}
	return 0;
}

/* Some of the strays are only said to be there. */
static bool
is_missing(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Removes all that does not belong. */
static int
sweep(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->strays.n; i++) {
		const char *path = t->p->strays.v[i], *leaf;
		int dir = beneath_at(&t->at, path, &leaf);

		if (dir < 0 ? !is_missing(errno) : rmtree_at(dir, leaf) < 0)
			return stage_failed(t, path);
		stage_touch_parent(t, path);
		if (busy_turn(t->o->busy, t->err) < 0)
			return -1;
	}
	return 0;
}

void
stage_sweep(struct store *s, const struct plan *p)
{
	struct beneath at;
	const char *leaf;
	size_t i;
	int next, dir;

	for (i = 0; i < p->n; i++)
		if (p->v[i].where == SUPPLY_NEXT)
			return;
	next = openat(s->own, store_next(s),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	beneath_init(&at, next);
	for (i = 0; next >= 0 && i < p->strays.n; i++) {
		dir = beneath_at(&at, p->strays.v[i], &leaf);
		if (dir >= 0)
			(void)rmtree_at(dir, leaf);
	}
	beneath_release(&at);
	io_close(&next);
}

static int
make_entries(struct stage *t)
{
	const struct manifest *m = t->p->m;
	size_t i;

	t->parent = NULL;
	for (i = 0; i < m->n; i++) {
		bool there = t->p->seen[i].place != PLACE_NOT;

		if (there && m->v[i].type == ENTRY_DIRECTORY)
			continue;
		if ((there ? stage_adjust_entry(t, &m->v[i]) :
			     stage_make_entry(t, &m->v[i])) < 0)
			return -1;
	}
	return 0;
}

/* Directories last, the deepest first: their times are final then. */
static int
finish_directories(struct stage *t)
{
	size_t i;

	for (i = t->p->m->n; i-- > 0;)
		if (t->p->m->v[i].type == ENTRY_DIRECTORY &&
			stage_adjust_entry(t, &t->p->m->v[i]) < 0)
			return -1;
	return 0;
}

/* What is not vouched for was written by who knows whom, and when. */
static void
touch_unsynced(struct stage *t)
{
	size_t i;

	for (i = 0; i < t->p->m->n; i++)
		if (t->p->seen[i].place == PLACE_UNSETTLED ||
			t->p->seen[i].place == PLACE_HASHED)
			stage_touch(t, &t->p->m->v[i]);
}

/* Makes all of next/, and leaves what is to be on disk in t->touched. */
static int
make_tree(struct stage *t)
{
	if (fchmod(t->next, 0755) < 0)
		return stage_failed(t, "next");
	touch_unsynced(t);
	if (salvage(t) < 0 || sweep(t) < 0)
		return -1;
	beneath_forget(&t->at);
	if (make_entries(t) < 0 || finish_directories(t) < 0)
		return -1;
	return fchmod(t->next, 0755 & ~t->o->umask) < 0 ?
		stage_failed(t, "next") :
		0;
}

static bool
open_next(struct stage *t)
{
	t->next = openat(t->s->own, store_next(t->s),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	beneath_init(&t->at, t->next);
	return t->next >= 0;
}

/*
 * Once more, in a next/ that is new, with what was of use in the one that
 * something is in the way of: trash/ may keep that.
 */
static int
start_afresh(struct stage *t)
{
	t->blocked = false;
	if (stage_take_out(t->p, t->next, t->tmp) < 0 ||
		store_discard(t->s, store_next(t->s), NULL) < 0 ||
		store_make_apart(t->s, store_next(t->s)) < 0)
		return -1;
	beneath_release(&t->at);
	io_close(&t->next);
	memset(t->touched, 0, t->p->m->n * sizeof(*t->touched));
	t->written = 0;
	if (!open_next(t))
		return -1;
	*t->err = (struct error)ERROR_INIT;
	t->parent = NULL;
	return make_tree(t);
}

static int
run_stage(struct stage *t)
{
	struct stage_synced synced = { .p = t->p, .touched = t->touched };
	int rc;

	/* A spare is not worth it. */
	if (make_tree(t) < 0 &&
		(!t->blocked || t->o->spare || start_afresh(t) < 0))
		return -1;
	if (t->o->spare)
		return 0;
	synced.next = t->next;
	synced.n = t->written;
	rc = stage_sync_touched(t->s, &synced, t->err);
	/* What of it is the spare's may be told of to who made that only. */
	if (rc == 0 && !t->p->fresh) {
		if (spare_sync_await(t->s, t->o->busy, t->err) < 0)
			return -1;
		rc = spare_sync_check(t->s, t->err);
	}
	if (rc == 0)
		return stage_save_index(t->s, t->p, true, t->err);
	stage_distrust(t->s);
	stage_clear_tmp(t->s);
	return -1;
}

int
stage_tree(struct store *s, struct plan *p, const struct stage_options *o,
	struct error *err)
{
	struct stage t = {
		.s = s, .p = p, .o = o, .err = err, .next = -1, .tmp = -1
	};
	int rc = -1;

	if ((p->fresh && store_discard(s, store_next(s), NULL) < 0) ||
		store_make_apart(s, store_next(s)) < 0) {
		error_errno(err, "cannot make next/");
		return store_trouble(err);
	}
	if (!o->spare && !s->bypass)
		unlinkat(s->own, "next.spare", 0);
	if (o->spare)
		(void)beneath_mkdir(s->own, SPARE_TMP, 0700);
	t.tmp = beneath_open(s->own, o->spare ? SPARE_TMP : "tmp",
		O_RDONLY | O_DIRECTORY, 0);
	t.touched = mem_zalloc(p->m->n, sizeof(*t.touched));
	release_reader_init(&t.releases, s);
	if (!open_next(&t) || t.tmp < 0)
		error_errno(err, "cannot open the staging directories");
	else
		rc = run_stage(&t);
	beneath_release(&t.at);
	release_reader_release(&t.releases);
	free(t.touched);
	io_close(&t.next);
	io_close(&t.tmp);
	return rc;
}
