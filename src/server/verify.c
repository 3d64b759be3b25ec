#include "server/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/path.h"
#include "server/stage.h"
#include "tree/hash_pool.h"

/* Files that are read ahead of what was told, and how long they are waited
 * for before the client is served. */
#define AHEAD 1024
#define WAIT_MS 20

struct verify {
	const struct manifest *m;
	const struct verify_options *o;
	struct beneath at;
	struct hash_pool *pool;
	uint8_t *how; /* by place, enum verify_how */
	size_t asked; /* files that are being read */
	size_t told;  /* entries before this one are told */
	verify_fn *fn;
	void *arg;
	struct error *err;
};

static const struct {
	const char *word;
	char letter;
} words[] = {
	[VERIFY_RIGHT] = { "right", ' ' },
	[VERIFY_MISSING] = { "missing", 'D' },
	[VERIFY_TYPE] = { "type", 'T' },
	[VERIFY_CONTENT] = { "content", 'M' },
	[VERIFY_UNREADABLE] = { "unreadable", 'M' },
	[VERIFY_TARGET] = { "target", 'M' },
	[VERIFY_MODE] = { "mode", 'M' },
	[VERIFY_SHARED] = { "shared", 'D' },
};

const char *
verify_word(enum verify_how how)
{
	return words[how].word;
}

char
verify_letter(enum verify_how how)
{
	return words[how].letter;
}

/* Why it cannot be looked at. */
static enum verify_how
lost(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP ?
		VERIFY_MISSING :
		VERIFY_UNREADABLE;
}

bool
verify_is_type(const struct entry *e, mode_t mode)
{
	return e->type == ENTRY_DIRECTORY ? S_ISDIR(mode) :
		e->type == ENTRY_LINK     ? S_ISLNK(mode) :
					    S_ISREG(mode);
}

static enum verify_how
judge_mode(const struct verify *v, const struct entry *e, mode_t mode)
{
	return (mode & 07777) == (e->mode & ~v->o->umask) ? VERIFY_RIGHT :
							    VERIFY_MODE;
}

bool
verify_leads_to(int dir, const char *leaf, const char *target)
{
	char found[TARGET_MOST + 1];
	ssize_t n = readlinkat(dir, leaf, found, sizeof(found));

	return n >= 0 && (size_t)n == strlen(target) &&
		!memcmp(found, target, (size_t)n);
}

static bool
is_as_seen(const struct verify *v, size_t i, const struct stat *st)
{
	const struct index_stat now = index_stat_of(st);
	const struct plan_seen *seen = v->o->seen;

	return seen && seen[i].place != PLACE_NOT &&
		seen[i].inode == now.inode && seen[i].mtime == now.mtime &&
		seen[i].ctime == now.ctime &&
		index_is_settled(st, v->o->moment);
}

/* VERIFY_ASKED: the pool will tell. */
static enum verify_how
look(struct verify *v, size_t i)
{
	const struct entry *e = &v->m->v[i];
	const char *leaf;
	struct stat st;
	int dir = beneath_at(&v->at, e->path, &leaf);

	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return lost(errno);
	if (!verify_is_type(e, st.st_mode))
		return VERIFY_TYPE;
	if (e->type == ENTRY_LINK)
		return verify_leads_to(dir, leaf, e->target) ? VERIFY_RIGHT :
							       VERIFY_TARGET;
	if (e->type == ENTRY_DIRECTORY || is_as_seen(v, i, &st))
		return judge_mode(v, e, st.st_mode);
	if (v->o->unread)
		return VERIFY_RIGHT;
	if ((uint64_t)st.st_size != e->size)
		return VERIFY_CONTENT;
	hash_pool_add(v->pool, e->path, i);
	v->asked++;
	return VERIFY_ASKED;
}

static enum verify_how
judge_file(const struct verify *v, const struct entry *e, const struct stat *st,
	int error, const uint8_t digest[static DIGEST_SIZE])
{
	/* One that is meant to be closed to its owner is believed. */
	if (!st->st_mode)
		return error == EACCES && !(e->mode & 0400) ? VERIFY_RIGHT :
							      lost(error);
	if (memcmp(digest, e->digest, DIGEST_SIZE) != 0)
		return VERIFY_CONTENT;
	return judge_mode(v, e, st->st_mode);
}

/* What has been read by now. */
static void
take(struct verify *v)
{
	const struct chunks *none;
	uint8_t digest[DIGEST_SIZE];
	struct stat st;
	size_t i;

	while (hash_pool_next(v->pool, &i, &st, digest, &none, v->err) > 0) {
		v->how[i] = (uint8_t)judge_file(v, &v->m->v[i], &st, errno,
			digest);
		v->asked--;
	}
}

/* Whether path is, or lies below, what was replaced by a link to shared/. */
static bool
is_shared(struct verify *v, const char *path)
{
	char part[PATH_MOST + 1];
	size_t n, len = strlen(path);

	for (n = 1; n <= len && n <= PATH_MOST; n++) {
		const char *leaf;
		char *target;
		bool is;
		int dir;

		if (path[n] != '/' && path[n] != '\0')
			continue;
		memcpy(part, path, n);
		part[n] = '\0';
		dir = beneath_at(&v->at, part, &leaf);
		if (dir < 0)
			return false;
		target = stage_shared_target(part);
		is = verify_leads_to(dir, leaf, target);
		free(target);
		if (is)
			return true;
	}
	return false;
}

/* Tells of all before `end' that is known. */
static int
tell(struct verify *v, size_t end)
{
	int rc = 0;

	for (; v->told < end && rc == 0; v->told++) {
		const struct entry *e = &v->m->v[v->told];
		enum verify_how how = v->how[v->told];

		if (how == VERIFY_ASKED)
			break;
		if (how != VERIFY_RIGHT && !is_shared(v, e->path))
			rc = v->fn(v->arg, e, how);
	}
	return rc;
}

/* Until no more than `most' are being read. */
static int
settle(struct verify *v, size_t end, size_t most)
{
	int rc = 0;

	do {
		if (v->asked > most)
			hash_pool_wait(v->pool, WAIT_MS);
		take(v);
		rc = tell(v, end);
		if (rc == 0 && busy_turn(v->o->busy, v->err) < 0)
			rc = -1;
	} while (rc == 0 && v->asked > most);
	return rc;
}

static int
run(struct verify *v)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < v->m->n; i++) {
		v->how[i] = (uint8_t)look(v, i);
		if ((i & (AHEAD - 1)) == AHEAD - 1 || v->asked >= AHEAD)
			rc = settle(v, i + 1, AHEAD / 2);
	}
	return rc ? rc : settle(v, v->m->n, 0);
}

int
verify_tree(int dir, const struct manifest *m, const struct verify_options *o,
	verify_fn *fn, void *arg, struct error *err)
{
	struct verify v = { .m = m, .o = o, .fn = fn, .arg = arg, .err = err };
	int rc;

	v.how = mem_zalloc(m->n ? m->n : 1, 1);
	v.pool = hash_pool_new(dir, 0);
	hash_pool_tolerate(v.pool);
	beneath_init(&v.at, dir);
	rc = run(&v);
	beneath_release(&v.at);
	hash_pool_free(v.pool);
	free(v.how);
	return rc;
}
