/*
 * The verb remove.  Nothing is taken away before the archive of what cannot
 * be deployed again is on disk; then one rename takes the app's name away,
 * and what is left is deleted in the background:
 *
 *	lock, switch.lock, env.lock
 *	ROOT/.removed/APP-TIME.tar: env, shared/, .deployd/history; sync
 *	ROOT/APP -> ROOT/.deployd/trash/APP-TIME; sync
 *
 * Who waited for a lock finds that the app is gone (store_lock()).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/rename.h"
#include "server/prepare.h"
#include "server/query.h"
#include "server/running.h"
#include "tree/tarout.h"

#define KEPT ".removed"
#define TRASH ".deployd/trash"
/* Waited for without --wait: the tail of a deploy. */
#define LOCK_SECONDS 2
/* For what runs in the background. */
#define STOP_MS 2000
/* blog-20261124T132646Z.tar */
#define NAME_SIZE (APP_MOST + 32)
/* A slow disk takes all of them between two pings. */
#define SYNC_EACH ((size_t)16 << 20)

struct removal {
	struct query *q;
	struct store *s;
	bool keep;
	int kept;             /* ROOT/.removed, or -1 */
	char name[NAME_SIZE]; /* APP-TIME */
	int env_lock;         /* env.lock, or -1 */
	int tar;              /* the archive while it is written, or -1 */
	size_t unsynced;      /* bytes of it that may not be on disk */
	bool full;            /* no space was the reason */
};

static int
read_request(struct removal *r)
{
	struct query *q = r->q;
	struct strv words = STRV_INIT;
	int rc = query_words(q, &words);

	/* Said twice: a slip in one of them must not remove another app. */
	if (rc == 0 && (!words.n || strcmp(words.v[0], q->ask.app)))
		rc = error_status(q->err, STATUS_USAGE,
			"remove needs the app's name twice");
	r->keep = !strv_has(&words, "no-keep");
	strv_release(&words);
	return rc;
}

static int
lock_all(struct removal *r)
{
	struct session *s = r->q->s;
	struct msg_ask *a = &r->q->ask;
	uint64_t wait = a->wait > LOCK_SECONDS ? a->wait : LOCK_SECONDS;
	char holder[STORE_HOLDER];

	store_holder(session_who(s, a->user), holder);
	if (store_lock(r->s, holder, wait, session_wait, s, r->q->err) < 0 ||
		store_lock_switch(r->s, holder, query_patience(r->q),
			session_wait, s, r->q->err) < 0)
		return -1;
	r->env_lock = lock_take(r->s->own, "env.lock", holder);
	if (r->env_lock >= 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_status(r->q->err, STATUS_BUSY,
			"somebody is changing %s/env", r->s->path);
	error_errno(r->q->err, "cannot lock %s/env", r->s->path);
	return store_trouble(r->q->err);
}

static int
check_running(struct removal *r)
{
	struct buf names = BUF_INIT;
	int rc = 0;

	if (!r->q->ask.force && running_name(r->s, &names)) {
		rc = error_status(r->q->err, STATUS_REFUSED,
			"processes run in %s: %s", r->s->app, names.data);
		error_hint(r->q->err,
			"stop them first; --force removes it all the same");
	}
	buf_release(&names);
	return rc;
}

/* Its name and a time that no archive has yet. */
static void
choose_name(struct removal *r, time_t t)
{
	char when[20];
	struct tm tm;

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
	snprintf(r->name, sizeof(r->name), "%s-%s", r->s->app, when);
}

static int
write_piece(void *arg, const void *data, size_t len, struct error *err)
{
	struct removal *r = arg;

	r->unsynced += len;
	if (io_write_full(r->tar, data, len) < 0 ||
		(r->unsynced >= SYNC_EACH && fdatasync(r->tar) < 0)) {
		r->full = errno == ENOSPC || errno == EDQUOT;
		return error_errno(err, "cannot write the archive in %s", KEPT);
	}
	r->unsynced %= SYNC_EACH;
	return session_busy(r->q->s, err);
}

static void
note_skipped(void *arg, const char *path)
{
	session_note(arg, "%s is no file and is not kept", path);
}

/* What one leads to is not the app's, and stays where it is. */
static void
note_link(struct removal *r, const char *name)
{
	struct stat st;

	if (fstatat(r->s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		session_note(r->q->s,
			"%s is a symbolic link: the archive has the link, and "
			"what it leads to is neither kept nor removed",
			name);
}

static int
pack(struct removal *r)
{
	struct tarout *t = tarout_new(write_piece, r);
	struct session *s = r->q->s;
	struct error *err = r->q->err;
	int rc = -1;

	note_link(r, "env");
	note_link(r, "shared");
	if (tarout_tree(t, r->s->dir, "env", "env", note_skipped, s, err) ==
			0 &&
		tarout_tree(t, r->s->dir, "shared", "shared", note_skipped, s,
			err) == 0 &&
		tarout_tree(t, r->s->own, "history.1", ".deployd/history.1",
			note_skipped, s, err) == 0 &&
		tarout_tree(t, r->s->own, "history", ".deployd/history",
			note_skipped, s, err) == 0)
		rc = tarout_end(t, err);
	tarout_free(t);
	return rc;
}

/* Gives the finished archive its name, one that is free. */
static int
name_archive(struct removal *r, const char *temporary)
{
	time_t t = time(NULL);
	char name[NAME_SIZE + 4];
	int rc;

	do {
		choose_name(r, t++);
		snprintf(name, sizeof(name), "%s.tar", r->name);
		rc = rename_free(r->kept, temporary, r->kept, name);
	} while (rc < 0 && errno == EEXIST);
	if (rc < 0 || io_fsync(r->kept) < 0 || io_fsync(r->s->root) < 0)
		return error_errno(r->q->err, "cannot name the archive in %s",
			KEPT);
	r->q->result->kept = mem_printf("%s/" KEPT "/%s", r->q->s->config->root,
		name);
	return 0;
}

static int
write_archive(struct removal *r)
{
	char temporary[NAME_SIZE];
	int rc = -1;

	/* The lock is held: one that is there is of one that died. */
	snprintf(temporary, sizeof(temporary), "%s.tmp", r->s->app);
	unlinkat(r->kept, temporary, 0);
	r->tar = openat(r->kept, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->tar < 0)
		error_errno(r->q->err, "cannot write in %s", KEPT);
	else if (pack(r) == 0)
		rc = io_fsync(r->tar) < 0 ?
			error_errno(r->q->err, "cannot sync the archive") :
			name_archive(r, temporary);
	if (rc < 0)
		unlinkat(r->kept, temporary, 0);
	io_close(&r->tar);
	return rc;
}

static int
keep(struct removal *r)
{
	struct query *q = r->q;
	int rc = -1;

	if (mkdirat(r->s->root, KEPT, 0700) < 0 && errno != EEXIST)
		error_errno(q->err, "cannot make " KEPT);
	else if ((r->kept = openat(r->s->root, KEPT,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		error_errno(q->err, KEPT);
	else
		rc = write_archive(r);
	if (rc == 0 || q->s->cancelled)
		return rc;
	q->err->status = STATUS_REFUSED;
	error_prefix(q->err, "%s stays: ", r->s->app);
	return error_hint(q->err, "%s, or remove it with --no-keep",
		r->full ? "make room, as with deploy prune" :
			  "change that on the server");
}

static int
open_trash(struct removal *r)
{
	(void)mkdirat(r->s->root, ".deployd", 0700);
	(void)beneath_mkdir(r->s->root, TRASH, 0700);
	return beneath_open(r->s->root, TRASH, O_RDONLY | O_DIRECTORY, 0);
}

/* From the rename on the app is gone, whatever else fails. */
static int
take_away(struct removal *r)
{
	int trash = open_trash(r), rc;

	/* Or it may make files where they are being removed. */
	prepare_stop(r->s, STOP_MS);
	rc = trash < 0 ? -1 :
			 rename_free(r->s->root, r->s->app, trash, r->name);
	if (rc < 0) {
		error_errno(r->q->err, "cannot remove %s", r->s->path);
		r->q->err->status = STATUS_REFUSED;
		io_close(&trash);
		return -1;
	}
	(void)io_fsync(r->s->root);
	(void)unlinkat(r->s->dir, "current", 0);
	store_unlock_switch(r->s);
	store_unlock(r->s);
	prune_empty(trash);
	return 0;
}

int
query_remove(struct query *q)
{
	struct removal r = {
		.q = q, .s = &q->s->store, .kept = -1, .env_lock = -1, .tar = -1
	};
	struct error ignored = ERROR_INIT;
	int rc = -1;

	if (read_request(&r) < 0 || lock_all(&r) < 0 || check_running(&r) < 0)
		goto out;
	choose_name(&r, time(NULL));
	/* On a full disk it is to go all the same. */
	history_append(r.s, "removing", "", "", session_who(q->s, q->ask.user),
		r.keep ? "" : "nothing is kept", &ignored);
	if (r.keep && keep(&r) < 0)
		goto out;
	session_detach(q->s);
	rc = take_away(&r);
	if (rc == 0)
		q->result->outcome = mem_strdup("removed");
out:
	/* Or retention would begin after the answer. */
	store_unlock_switch(r.s);
	store_unlock(r.s);
	io_close(&r.env_lock);
	io_close(&r.kept);
	return rc;
}
