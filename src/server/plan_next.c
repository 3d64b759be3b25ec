/*
 * What next/ holds: one walk beside the manifest, which stats each entry
 * once and remembers what staging and the next index need of that.
 *
 * The index has the directories and links as well.  A directory whose stat
 * data hold has the names that the index has, and is not read.
 */
#include "server/plan_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "server/plan_ahead.h"

#define BUSY_ENTRIES 64

static int walk_directory(struct plan_walk *w, int fd, const struct entry *of,
	bool known);

static int64_t
to_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

void
plan_note(struct plan *p, size_t place, const struct stat *st,
	enum plan_place how)
{
	p->seen[place] = (struct plan_seen){ .inode = st->st_ino,
		.mtime = to_ns(&st->st_mtim),
		.ctime = to_ns(&st->st_ctim),
		.mode = st->st_mode & 07777,
		.place = (uint8_t)how };
}

/* Whether e is below the directory `of`; NULL is next/ itself. */
static bool
is_in(const struct entry *e, const struct entry *of)
{
	size_t len = of ? strlen(of->path) : 0;

	return !of || (!strncmp(e->path, of->path, len) && e->path[len] == '/');
}

/* Past an entry, and all below it. */
static void
pass(struct plan_walk *w)
{
	const struct manifest *m = w->x->p->m;
	const struct entry *e = &m->v[w->i++];

	while (w->i < m->n && is_in(&m->v[w->i], e))
		w->i++;
}

/*
 * Whether the index has a link, or all names that are in a directory, and
 * whether it was synced then.
 */
static bool
is_known(struct plan_walk *w, const struct entry *e, const struct stat *st,
	enum plan_place *how)
{
	uint8_t digest[DIGEST_SIZE];
	struct stat sizeless = *st;
	bool known;

	sizeless.st_size = 0;
	known = index_get(w->index, e->path, &sizeless, digest);
	*how = known && digest[0] != PLAN_UNSYNCED ? PLACE_SYNCED :
						     PLACE_HASHED;
	return known;
}

/*
 * One with other names elsewhere, which a build may have given it, could
 * change there.
 */
static bool
file_belongs(struct plan_walk *w, int dir, const char *leaf,
	const struct entry *e, const struct stat *st, enum plan_place *how)
{
	uint8_t digest[DIGEST_SIZE];
	bool vouched = index_get(w->index, e->path, st, digest);

	*how = vouched                          ? PLACE_SYNCED :
		index_is_settled(st, w->moment) ? PLACE_HASHED :
						  PLACE_UNSETTLED;
	if (st->st_nlink > 1 || (uint64_t)st->st_size != e->size ||
		(!vouched && plan_hash(w->x, dir, leaf, digest) < 0))
		return false;
	return !memcmp(e->digest, digest, DIGEST_SIZE);
}

static bool
link_belongs(int dir, const char *leaf, const struct entry *e)
{
	char target[TARGET_MOST + 1];
	ssize_t n = readlinkat(dir, leaf, target, sizeof(target));

	return n >= 0 && (size_t)n == strlen(e->target) &&
		!memcmp(target, e->target, (size_t)n);
}

static void
keep_file(struct plan_search *x, const struct entry *e)
{
	struct supply *u = plan_supply(x->p, e);

	u->users--;
	if (u->where != SUPPLY_EMPTY)
		plan_set(x, u, SUPPLY_KEPT, e->path);
}

/*
 * Past the manifest's next entry.  Who waits is looked after now and then, and
 * behind whatever may have taken its time.
 */
static int
look_on(struct plan_walk *w, bool slow)
{
	pass(w);
	return slow || w->i % BUSY_ENTRIES == 0 ?
		busy_turn(w->x->o->busy, w->x->err) :
		0;
}

/* What stands where the manifest's next entry goes. */
static int
look_at(struct plan_walk *w, int dir, const char *leaf, struct stat *st)
{
	struct plan *p = w->x->p;
	size_t place = w->i;
	const struct entry *e = &p->m->v[place];
	enum plan_place how = PLACE_SYNCED;
	bool known;
	int sub;

	if (!plan_is_ours(w, st)) {
		strv_add(&p->strays, e->path);
		return look_on(w, false);
	}
	if (S_ISDIR(st->st_mode) && e->type == ENTRY_DIRECTORY) {
		known = is_known(w, e, st, &how);
		sub = plan_open_directory(w->x, dir, leaf, st);
		if (sub >= 0) {
			plan_note(p, place, st, how);
			w->i++;
			return walk_directory(w, sub, e, known);
		}
	}
	if (S_ISREG(st->st_mode) && e->type == ENTRY_FILE &&
		file_belongs(w, dir, leaf, e, st, &how)) {
		plan_note(p, place, st, how);
		keep_file(w->x, e);
	} else if (S_ISLNK(st->st_mode) && e->type == ENTRY_LINK &&
		link_belongs(dir, leaf, e)) {
		(void)is_known(w, e, st, &how);
		plan_note(p, place, st, how);
	} else {
		strv_add(&p->strays, e->path);
	}
	return look_on(w, how != PLACE_SYNCED);
}

static int
cannot_read(const struct plan_walk *w, const struct entry *of)
{
	return error_errno(w->x->err, "cannot read next/%s",
		of ? of->path : "");
}

static int
count_names(DIR *dir, size_t *n)
{
	const char *name;
	int rc;

	for (*n = 0; (rc = io_next_name(dir, &name)) > 0; ++*n)
		;
	return rc;
}

/* Adds the names that the manifest does not have. */
static int
add_strays(struct plan *p, DIR *dir, const struct entry *of)
{
	struct buf path = BUF_INIT;
	const char *name;
	int rc;

	rewinddir(dir);
	while ((rc = io_next_name(dir, &name)) > 0) {
		buf_clear(&path);
		if (of)
			buf_addf(&path, "%s/", of->path);
		buf_addstr(&path, name);
		if (!manifest_find(p->m, path.data))
			strv_add(&p->strays, path.data);
	}
	buf_release(&path);
	return rc;
}

/* Stat data of the manifest's next entry, which is `leaf` in dir. */
static bool
look_up(struct plan_walk *w, int dir, const char *leaf, struct stat *st)
{
	const struct stat *seen = w->ahead ? plan_ahead_get(w->ahead, w->i) :
					     NULL;

	if (seen)
		*st = *seen;
	return seen || fstatat(dir, leaf, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Looks at the manifest's entries of the directory `of`, which come next, and
 * counts those that are there; there are no more than `most`.
 */
static int
walk_entries(struct plan_walk *w, int fd, const struct entry *of, size_t most,
	size_t *found)
{
	const struct manifest *m = w->x->p->m;
	size_t skip = of ? strlen(of->path) + 1 : 0;
	struct stat st;
	int rc = 0;

	while (rc == 0 && w->i < m->n && is_in(&m->v[w->i], of)) {
		const char *leaf = m->v[w->i].path + skip;

		if (*found == most || !look_up(w, fd, leaf, &st)) {
			pass(w);
			continue;
		}
		++*found;
		rc = look_at(w, fd, leaf, &st);
	}
	return rc;
}

/* Takes fd. */
static int
walk_directory(struct plan_walk *w, int fd, const struct entry *of, bool known)
{
	DIR *dir = known ? NULL : fdopendir(fd);
	size_t names = SIZE_MAX, found = 0;
	int rc;

	if (!known && !dir) {
		io_close(&fd);
		return cannot_read(w, of);
	}
	rc = dir && count_names(dir, &names) < 0 ?
		cannot_read(w, of) :
		walk_entries(w, fd, of, names, &found);
	if (rc == 0 && dir && found < names && add_strays(w->x->p, dir, of) < 0)
		rc = cannot_read(w, of);
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
	return rc;
}

int
plan_next(struct plan_search *x)
{
	struct plan_walk w = {
		.x = x, .user = geteuid(), .moment = index_moment()
	};
	int fd = openat(x->s->own, "next", PLAN_DIRECTORY), copy, rc = -1;

	/* What stands in its place is staging's to move. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP &&
		errno != EACCES)
		return error_errno(x->err, "cannot open next/");
	if (fd < 0)
		return 0;
	/* A hook may have closed it to us. */
	if (!x->o->look)
		(void)fchmod(fd, 0755);
	/* The spare is made where others are not to be disturbed. */
	if (!x->o->spare)
		w.ahead = plan_ahead_new(fd, x->p->m);
	w.index = index_load(x->s->own, "next.index");
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		error_errno(x->err, "cannot read next/");
	else if (walk_directory(&w, copy, NULL, false) == 0 &&
		plan_unknown(&w) == 0)
		rc = plan_strays(&w, fd);
	index_free(w.index);
	plan_ahead_free(w.ahead);
	io_close(&fd);
	return rc;
}
