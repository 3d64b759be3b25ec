#include "server/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/background.h"
#include "base/beneath.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"
#include "base/rmtree.h"
#include "server/running.h"
#include "server/stage.h"

#define UNACTIVATED_SECONDS (7 * 24 * 3600)

/* What decides over the releases. */
struct prune {
	struct store *s;
	uint64_t keep, kept;
	bool lost; /* those without a record go at once */
	char live[RELEASE_ID_LEN + 1], previous[RELEASE_ID_LEN + 1];
	bool looked;      /* at the processes */
	bool unknown;     /* not all of them could be seen */
	struct strv used; /* a visible one runs in these */
};

/* The release in a path such as releases/ID/x, into used. */
static void
note_use(void *arg, const char *pid, const char *path)
{
	struct prune *p = arg;
	char id[RELEASE_ID_LEN + 1];

	if (strncmp(path, "releases/", 9) || strlen(path + 9) < RELEASE_ID_LEN)
		return;
	snprintf(id, sizeof(id), "%s", path + 9);
	if (path_is_release(id) && !strv_has(&p->used, id))
		strv_add(&p->used, id);
}

/* Of many processes, so they are looked at only if something would go. */
static bool
is_used(struct prune *p, const char *id)
{
	if (!p->looked)
		p->unknown = running_each(p->s, note_use, p) < 0;
	p->looked = true;
	return p->unknown || strv_has(&p->used, id);
}

/* Called from the newest to the oldest. */
static bool
stays(struct prune *p, const struct record *r)
{
	bool counts = r->went_live;

	if (counts)
		p->kept++;
	if (!strcmp(r->id, p->live) || !strcmp(r->id, p->previous) || r->pinned)
		return true;
	if (counts ? p->kept <= p->keep :
		     (uint64_t)time(NULL) < r->created + UNACTIVATED_SECONDS)
		return true;
	return is_used(p, r->id);
}

/* No rollback leads there. */
static bool
stays_lost(struct prune *p, const char *id)
{
	return !strcmp(id, p->live) || (!p->lost && p->kept < p->keep) ||
		is_used(p, id);
}

static bool
is_to_go(struct prune *p, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };
	bool goes;

	if (record_load(p->s, id, &r, &ignored) == 0)
		goes = !stays(p, &r);
	else
		goes = (errno == ENOENT || errno == EINVAL) &&
			!stays_lost(p, id);
	record_release(&r);
	return goes;
}

static int
drop(struct prune *p, const char *id, struct error *err)
{
	char from[64], to[64];

	snprintf(from, sizeof(from), "releases/%s", id);
	snprintf(to, sizeof(to), "trash/%s", id);
	if (beneath_rename(p->s->dir, from, p->s->own, to) < 0 &&
		errno != ENOENT)
		return error_errno(err, "cannot drop release %s", id);
	return 0;
}

static void
forget_file(struct store *s, const char *directory, const char *id,
	const char *suffix)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/%s%s", directory, id, suffix);
	(void)beneath_unlink(s->own, name);
}

/* A record whose release is gone, and what lies beside it. */
static void
forget(struct store *s, const char *id)
{
	forget_file(s, "records", id, ".settings");
	forget_file(s, "records", id, ".index");
	forget_file(s, "records", id, ".times");
	forget_file(s, "records", id, ".built");
	forget_file(s, "logs", id, "");
	forget_file(s, "records", id, "");
}

/* What cannot be read is of no use without its release. */
static void
forget_lost(struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };

	if (record_load(s, id, &r, &ignored) < 0 &&
		(errno == ENOENT || errno == EINVAL))
		forget(s, id);
	record_release(&r);
}

static void
prune_records(struct prune *p)
{
	struct strv ids = STRV_INIT, releases = STRV_INIT;
	struct error ignored = ERROR_INIT;
	size_t i;

	if (record_list(p->s, &ids, &ignored) == 0 &&
		store_releases(p->s, &releases, &ignored) == 0)
		for (i = 0; i + STORE_RECORDS < ids.n; i++)
			if (!strv_has(&releases, ids.v[i]))
				forget(p->s, ids.v[i]);
	strv_release(&ids);
	strv_release(&releases);
}

/* Manifests that a record names stay, and there are not many of those. */
static void
prune_manifests(struct prune *p)
{
	struct strv ids = STRV_INIT, named = STRV_INIT;
	struct error ignored = ERROR_INIT;
	bool unknown = false;
	struct dirent *e;
	size_t i;
	DIR *dir;
	int fd;

	if (record_list(p->s, &ids, &ignored) < 0)
		return;
	for (i = 0; !unknown && i < ids.n; i++) {
		struct record r = { 0 };

		if (record_load(p->s, ids.v[i], &r, &ignored) == 0)
			strv_add(&named, r.manifest);
		else
			unknown = errno != ENOENT && errno != EINVAL;
		record_release(&r);
	}
	/* One that cannot be read now may be later, and names any. */
	fd = unknown ?
		-1 :
		beneath_open(p->s->own, "manifests", O_RDONLY | O_DIRECTORY, 0);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && !strv_has(&named, e->d_name))
			unlinkat(fd, e->d_name, 0);
	if (dir)
		closedir(dir);
	strv_release(&ids);
	strv_release(&named);
}

/* Locks are held, so none of what was begun is anybody's. */
static void
drop_temporaries(const struct store *s)
{
	int records = beneath_open(s->own, "records", O_RDONLY | O_DIRECTORY,
		0);

	/*
	 * Those of the history have a lock of their own; those of next.index
	 * may be of who prepares next/, unless we might.
	 */
	const char *const others[] = { "history.",
		s->next_lock < 0 ? "next." : NULL, NULL };

	replace_tidy(s->own, "", others);
	replace_tidy(records, "", NULL);
	replace_tidy(s->dir, "current.", NULL);
	io_close(&records);
}

/* A change of the env file has a lock of its own. */
static void
drop_env_temporaries(const struct store *s)
{
	int lock = lock_take(s->own, "env.lock", "retention");

	if (lock >= 0)
		replace_tidy(s->dir, "env.", NULL);
	io_close(&lock);
}

/* What goes, newest first. */
static int
choose(struct prune *p, struct strv *ids, struct error *err)
{
	struct strv all = STRV_INIT;
	size_t i;

	if (store_current(p->s, p->live, err) < 0 ||
		history_previous(p->s, p->previous, NULL, err) < 0 ||
		store_releases(p->s, &all, err) < 0)
		return -1;
	for (i = all.n; i-- > 0;)
		if (is_to_go(p, all.v[i]))
			strv_add(ids, all.v[i]);
	strv_release(&all);
	return 0;
}

static int
drop_releases(struct prune *p, struct strv *dropped, struct error *err)
{
	struct strv ids = STRV_INIT;
	size_t i;
	int rc = choose(p, &ids, err);

	for (i = 0; rc == 0 && i < ids.n; i++) {
		rc = drop(p, ids.v[i], err);
		if (rc < 0)
			break;
		strv_add(dropped, ids.v[i]);
		forget_lost(p->s, ids.v[i]);
	}
	strv_release(&ids);
	return rc;
}

int
prune_plan(struct store *s, const struct prune_options *o, struct strv *ids,
	struct error *err)
{
	struct prune p = {
		.s = s, .keep = o->keep ? o->keep : 1, .lost = o->lost
	};
	int rc = choose(&p, ids, err);

	strv_release(&p.used);
	return rc;
}

int
prune_releases(struct store *s, const struct prune_options *o,
	struct strv *dropped, struct error *err)
{
	struct prune p = {
		.s = s, .keep = o->keep ? o->keep : 1, .lost = o->lost
	};
	char holder[STORE_HOLDER];
	int rc;

	store_holder("retention", holder);
	if (store_lock_switch(s, holder, 0, NULL, NULL, err) < 0)
		return -1;
	rc = drop_releases(&p, dropped, err);
	if (rc == 0) {
		stage_forget_doubtful(s);
		prune_records(&p);
		prune_manifests(&p);
		drop_temporaries(s);
		drop_env_temporaries(s);
	}
	store_unlock_switch(s);
	strv_release(&p.used);
	return rc;
}

int
prune_trash_now(struct store *s)
{
	int fd = beneath_open(s->own, "trash", O_RDONLY | O_DIRECTORY, 0);
	int rc = fd < 0 ? -1 : rmtree_contents(fd), saved = errno;

	io_close(&fd);
	errno = saved;
	return rc;
}

static void
empty(void *arg)
{
	(void)rmtree_contents(*(int *)arg);
}

void
prune_empty(int fd)
{
	/* Not where the child's standard streams go. */
	if (fd >= 0 && fd < 3) {
		int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

		io_close(&fd);
		fd = high;
	}
	if (fd >= 0)
		background_run(empty, &fd, &fd, 1);
	io_close(&fd);
}
