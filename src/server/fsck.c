#include "server/fsck.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rmtree.h"
#include "server/activate.h"
#include "server/fsck_parts.h"
#include "server/prepare.h"
#include "server/stage.h"

/* For what runs in the background. */
#define STOP_MS 2000

static void
tell(struct fsck *f, const struct msg_fault *m)
{
	f->sum->faults++;
	if (f->o->dry_run || !m->repair)
		f->sum->left++;
	f->o->fn(f->o->arg, m);
}

void
fsck_tell(struct fsck *f, const struct fsck_fault *fault, bool mended)
{
	const struct msg_fault m = { .path = (char *)fault->path,
		.how = (char *)fault->how,
		.repair = mended ? (char *)fault->repair : NULL,
		.advice = mended ? NULL : (char *)fault->advice };

	tell(f, &m);
}

void
fsck_tell_release(struct fsck *f, const char *id, const char *how,
	const char *advice)
{
	const struct msg_fault m = { .release = (char *)id,
		.how = (char *)how,
		.advice = (char *)advice };

	tell(f, &m);
}

static const char *
name_type(mode_t mode)
{
	return S_ISDIR(mode)   ? "a directory" :
		S_ISLNK(mode)  ? "a symbolic link" :
		S_ISREG(mode)  ? "a file" :
		S_ISFIFO(mode) ? "a fifo" :
		S_ISSOCK(mode) ? "a socket" :
				 "a device";
}

/* "type: a directory, not a file" */
static void
describe(const struct damage *d, struct buf *out)
{
	mode_t wanted = d->e->type == ENTRY_DIRECTORY ? S_IFDIR :
		d->e->type == ENTRY_LINK              ? S_IFLNK :
							S_IFREG;

	buf_addstr(out, verify_word(d->how));
	if (d->how == VERIFY_TYPE && d->is)
		buf_addf(out, ": %s, not %s", name_type(d->is),
			name_type(wanted));
}

static void
advise(const struct fsck *f, const char *id, const struct damage *d,
	struct buf *out)
{
	if (d->error == EISDIR) {
		buf_addstr(out, "move it away, then deployd fsck again");
		return;
	}
	if (d->error)
		buf_addf(out, "%s; ", strerror(d->error));
	buf_addstr(out,
		strcmp(id, f->live) ?
			"do not go back to it; deploy its tree again" :
			"deploy its tree again, with --rebuild");
}

void
fsck_tell_damage(struct fsck *f, const char *id, const struct damage *d)
{
	const char change[] = { verify_letter(d->how), '\0' };
	struct buf how = BUF_INIT, repair = BUF_INIT, advice = BUF_INIT;
	struct msg_fault m = { .release = (char *)id,
		.path = (char *)d->e->path,
		.change = (char *)change };

	describe(d, &how);
	m.how = how.data;
	if (d->mended) {
		buf_addf(&repair, "%s%s",
			d->from ? "copied from " : "made again",
			d->from ? d->from : "");
		m.repair = repair.data;
	} else {
		advise(f, id, d, &advice);
		m.advice = advice.data;
	}
	tell(f, &m);
	buf_release(&how);
	buf_release(&repair);
	buf_release(&advice);
}

bool
fsck_next_name(struct fsck *f, DIR *dir, const char *path, const char **name)
{
	const struct fsck_fault fault = { path, "cannot be read to its end",
		NULL, "see the kernel's log" };
	int rc = dir ? io_next_name(dir, name) : 0;

	if (rc < 0)
		fsck_tell(f, &fault, false);
	return rc > 0;
}

void
fsck_drop(struct fsck *f, int dir, const char *name, const char *path)
{
	const struct fsck_fault fault = { path, "left over", "removed",
		"remove it by hand" };

	fsck_tell(f, &fault, f->o->dry_run || rmtree_at(dir, name) == 0);
}

/* Where nobody can write, who only looks needs no lock. */
static int
locked(struct fsck *f, int rc)
{
	if (rc == 0 || !f->o->dry_run || errno != EROFS)
		return rc;
	*f->err = (struct error)ERROR_INIT;
	return 0;
}

static int
lock(struct fsck *f)
{
	char holder[STORE_HOLDER];

	store_holder(f->o->who, holder);
	return locked(f,
		store_lock(f->s, holder, f->o->wait, f->o->wait_fn, f->o->arg,
			f->err));
}

static int
lock_switch(struct fsck *f)
{
	char holder[STORE_HOLDER];

	store_holder(f->o->who, holder);
	return locked(f,
		store_lock_switch(f->s, holder, ACTIVATE_WAIT, f->o->wait_fn,
			f->o->arg, f->err));
}

/* As the next deploy would. */
static int
finish_switch(struct fsck *f)
{
	const struct fsck_fault fault = { ".deployd/history",
		"a switch was cut off", "finished, or switched back", NULL };
	struct history_switch w;
	int rc = history_unfinished(f->s, &w, f->err);

	if (rc <= 0)
		return rc;
	if (!f->o->dry_run && f->o->recover(f->o->arg, f->err) < 0)
		return -1;
	fsck_tell(f, &fault, true);
	return 0;
}

/* Releases that were only staged when their deploy ended. */
static int
take_back(struct fsck *f)
{
	char path[64];
	size_t i, n = 0;

	for (i = 0; i < f->releases.n; i++) {
		const char *id = f->releases.v[i];
		const struct fsck_fault fault = { path,
			"its deploy was cut off",
			"its files are kept for the next", NULL };

		if (!strcmp(id, f->live) || !stage_is_left(f->s, id))
			continue;
		snprintf(path, sizeof(path), "releases/%s", id);
		fsck_tell(f, &fault, true);
		n++;
	}
	if (!n || f->o->dry_run)
		return 0;
	if (stage_recover(f->s, f->err) < 0)
		return -1;
	strv_clear(&f->releases);
	return store_releases(f->s, &f->releases, f->err);
}

/* `current' is gone, although something was live. */
static int
check_lost_link(struct fsck *f)
{
	const struct fsck_fault fault = { "current", "missing",
		"points to what was live last",
		"deployd rollback APP RELEASE, or deploy again" };
	char id[RELEASE_ID_LEN + 1] = "";
	struct error why = ERROR_INIT;
	bool mended;

	if (history_live(f->s, id, f->err) < 0)
		return -1;
	if (!*id)
		return 0;
	mended = store_has_release(f->s, id) &&
		(f->o->dry_run || store_switch(f->s, id, &why) == 0);
	fsck_tell(f, &fault, mended);
	if (mended)
		snprintf(f->live, sizeof(f->live), "%s", id);
	return 0;
}

static int
check_current(struct fsck *f)
{
	const struct fsck_fault dangling = { "current",
		"leads to a release that is not there", NULL,
		"deploy again, or deployd rollback" };
	struct fsck_fault foreign = { "current", NULL, NULL, NULL };
	struct error why = ERROR_INIT;

	if (store_current(f->s, f->live, &why) < 0) {
		foreign.how = why.text;
		foreign.advice = why.hint;
		fsck_tell(f, &foreign, false);
	} else if (!*f->live) {
		return check_lost_link(f);
	} else if (store_lost_release(f->s, f->live)) {
		fsck_tell(f, &dangling, false);
	}
	return 0;
}

/* All that has to do with what is live, under both locks. */
static int
check_locked(struct fsck *f)
{
	fsck_layout(f);
	if (store_check_layout(f->s, f->err) < 0 || fsck_history(f) < 0 ||
		check_current(f) < 0 ||
		store_releases(f->s, &f->releases, f->err) < 0 ||
		take_back(f) < 0)
		return -1;
	fsck_leftovers(f);
	return fsck_records(f);
}

static int
check_releases(struct fsck *f)
{
	size_t i;
	int rc = 0;

	for (i = f->releases.n; rc == 0 && i-- > 0;)
		rc = fsck_release(f, f->releases.v[i]);
	return rc;
}

static void
note_repairs(struct fsck *f)
{
	struct error why = ERROR_INIT;
	const struct fsck_fault fault = { ".deployd/history",
		"does not say what was repaired", NULL, why.text };
	char text[64];

	if (f->o->dry_run || f->sum->faults == f->sum->left)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " faults",
		f->sum->faults - f->sum->left, f->sum->faults);
	if (history_append(f->s, "repaired", "", "", f->o->who, text, &why) < 0)
		fsck_tell(f, &fault, false);
}

/* What another account, a container's perhaps, has left in a release. */
static void
empty_trash(struct fsck *f)
{
	char how[200], advice[PATH_MOST];
	const struct fsck_fault fault = { ".deployd/trash", how, NULL, advice };

	if (f->o->dry_run || prune_trash_now(f->s) == 0)
		return;
	snprintf(how, sizeof(how), "cannot be emptied: %s", strerror(errno));
	snprintf(advice, sizeof(advice), "as root: rm -r %s/.deployd/trash/*",
		f->s->path);
	fsck_tell(f, &fault, false);
}

static int
run(struct fsck *f)
{
	int rc;

	fsck_locks(f);
	if (lock(f) < 0 || finish_switch(f) < 0 || lock_switch(f) < 0)
		return -1;
	prepare_stop(f->s, STOP_MS);
	rc = check_locked(f);
	store_unlock_switch(f->s);
	if (rc == 0 && fsck_cache(f) == 0)
		rc = check_releases(f);
	else
		rc = -1;
	note_repairs(f);
	empty_trash(f);
	return rc;
}

int
fsck_app(struct store *s, const struct fsck_options *o, struct fsck_sum *sum,
	struct error *err)
{
	struct fsck f = { .s = s, .o = o, .sum = sum, .err = err };
	int rc;

	memset(sum, 0, sizeof(*sum));
	rc = run(&f);
	store_unlock_switch(s);
	store_unlock(s);
	strv_release(&f.releases);
	return rc;
}
