/*
 * The store of one app on disk (DESIGN: `The server'):
 *
 *	ROOT/APP/
 *	  current -> releases/ID
 *	  releases/ID/  shared/  env
 *	  .deployd/
 *	    lock switch.lock next.lock env.lock
 *	    history             one line an event, appended and synced
 *	    built               ID of the last build begun, and when it ended
 *	    records/ID          what is known of a release (message.h's form)
 *	    records/ID.settings the deploy.conf it came with
 *	    records/ID.index    stat data of its files as staged (index.h)
 *	    records/ID.times    their modification times (times.h)
 *	    records/ID.built    what its build changed of them (built.h)
 *	    manifests/SHA256    by the hash of their whole text
 *	    logs/ID             what its hooks said
 *	    next/  next.index   leftover upload, staging and spare
 *	    next.spare          next/ is a spare: of that ID, "" until it is
 *	    next.sync           it was not synced to the end (spare_sync.h)
 *	    stage/ stage.index  staging while next/ is being prepared
 *	    unsynced            something was staged and not waited for
 *	    doubtful            IDs of what then could not be synced
 *	    tmp/HEX             verified uploads not yet in a tree
 *	    trash/              being deleted
 *	    apart/              where next/ and tmp/ are made
 *	    seed/               on its way to shared/
 *	    cache/              DEPLOY_CACHE_DIR
 *	    ballast.N           room for a rollback's records on a full disk:
 *	                        store_ballast.c
 *
 * A record outlives its release's directory, so that a held tree stays held
 * and history can be read; the newest 50 are kept.
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/path.h"
#include "base/strv.h"
#include "tree/manifest.h"
#include "wire/message.h"

#define STORE_MANIFESTS 50 /* kept for use as a base */
#define STORE_RECORDS 50
#define STORE_NEXT_LOCK "next.lock" /* prepare.h */

struct replace;
struct replace_batch;

struct store {
	char *app;
	char *path; /* absolute, of the app's directory */
	int root;   /* handles: ROOT, ROOT/APP, ROOT/APP/.deployd */
	int dir;
	int own;
	int lock; /* held descriptors or -1 */
	int switch_lock;
	int next_lock;
	bool bypass;    /* next/ is somebody else's: stage/ is in its place */
	bool relaxed;   /* `durability': nothing is waited for until it is on
	                 disk */
	bool unwritten; /* a sync failed, see stage_distrust() */
	struct replace_batch *batch; /* of store_write(), or NULL */
};

/*
 * Opens the app's store, making it if `create` (and ROOT with its parents).
 * Failures are STATUS_REFUSED; errno is ENOENT where the app is not there.
 *
 * `command` is NULL if it is only read.  Who changes it, or runs what it
 * brings, has to be the account that it belongs to, and is told otherwise what
 * to run as that: command and the app's name.
 */
int store_open(struct store *s, const char *root, const char *app, bool create,
	const char *command, struct error *err);
/* What store_open() asks, of an app and of one that is to be made. */
int store_check_owner(const struct store *s, const char *command,
	struct error *err);
int store_check_new(const struct store *s, const char *root,
	const char *command, struct error *err);
/*
 * Whether what a store is made of are directories: else all in them seems to
 * be lost.  What is missing is none's business here.
 */
int store_check_layout(const struct store *s, struct error *err);
/* Something else stands where deployd keeps what is its own: -1. */
int store_refuse_damage(const struct store *s, struct error *err);
void store_release(struct store *s);
/* Takes what is missing of the ballast; without it a rollback may fail. */
void store_take_ballast(const struct store *s);
/*
 * After store_write() failed, errno kept: on a full disk writes the same into a
 * piece of ballast, which takes the file's place.  True if that was done.
 */
bool store_write_over(const struct store *s, const char *directory,
	const char *name, const void *data, size_t len);
/*
 * After a failed write, errno kept: on a full disk throws a piece of ballast
 * away.  True if that made room, so that the write can be tried once more.
 */
bool store_throw_ballast(const struct store *s);
/*
 * Makes .deployd/NAME for many new files, or makes it anew where it is empty:
 * away from what else is there, which the removal of releases concerns.
 */
int store_make_apart(const struct store *s, const char *name);
/* Makes ROOT and its parents if it is not there. */
int store_make_root(const char *root, struct error *err);
/*
 * After an error with errno: a store that has no space or may not be written
 * is the server's refusal, not worth a retry, and the hint is what to do; so
 * it is after EIO.  Always -1, errno kept.
 */
int store_trouble(struct error *err);
/*
 * Writes .deployd/DIRECTORY/NAME ("." is .deployd itself), whole or not at
 * all.  While a batch is set, the file appears with the others at its end.
 */
int store_write(const struct store *s, const char *directory, const char *name,
	const void *data, size_t len, struct error *err);
/*
 * The same in pieces, by replace_write(); the name at the end counts.  After
 * a failure to write it is given up, which is -1.
 */
int store_begin(const struct store *s, const char *directory, const char *name,
	struct replace *file, struct error *err);
int store_end(const struct store *s, struct replace *file, const char *name,
	struct error *err);
int store_give_up(struct replace *file, const char *name, struct error *err);
/* Begins a batch, and ends it: on success all are there, and on disk. */
void store_batch(struct store *s);
int store_batch_end(struct store *s, bool give_up, struct error *err);
/*
 * Moves .deployd/NAME into trash/, as trash/AS or, where that is NULL, under
 * a name that is free; a missing one is no error.  0, or -1 with errno.
 */
int store_discard(const struct store *s, const char *name, const char *as);
/* fsync(2), but not with relaxed durability. */
int store_fsync(const struct store *s, int fd);
/*
 * After an error about a place that the admin has chosen: the server's
 * refusal, with what to do there as hint.  Always -1, errno kept.
 */
int store_refuse_place(const char *path, struct error *err);
/* Names of all apps under root, sorted. */
int store_apps(const char *root, struct strv *apps, struct error *err);

/*
 * Locks.  holder says who (`ann since 2026-11-23 06:15:30 UTC').  Waits up to
 * `seconds`, calling wait() (may be NULL) with milliseconds to spend between
 * tries; a nonzero return of it gives up.  STATUS_BUSY names the holder.
 */
#define STORE_HOLDER 512
void store_holder(const char *who, char holder[static STORE_HOLDER]);
typedef int store_wait_fn(void *arg, int ms);
int store_lock(struct store *s, const char *holder, uint64_t seconds,
	store_wait_fn *wait, void *arg, struct error *err);
int store_lock_switch(struct store *s, const char *holder, uint64_t seconds,
	store_wait_fn *wait, void *arg, struct error *err);
/* What becomes of the seconds asked for. */
uint64_t store_wait_most(uint64_t seconds);
void store_unlock(struct store *s);
/*
 * Whether what is open still is the app's: who had a lock may have removed
 * it, so whoever takes one asks.  The error for that; always -1.
 */
bool store_is_there(const struct store *s);
int store_just_removed(const struct store *s, struct error *err);
void store_unlock_switch(struct store *s);
/* Who deploys now, "" if nobody. */
void store_busy(const struct store *s, char *holder, size_t size);
/* Who switches. */
void store_busy_switch(const struct store *s, char *holder, size_t size);

/* Where a tree is staged, below .deployd, and its index. */
const char *store_next(const struct store *s);
const char *store_next_index(const struct store *s);

/* Whether an app's directory has a `current` of ours, and what it names. */
bool store_leads(int dir, char id[static RELEASE_ID_LEN + 1]);
/* The release that `current` names; "" if none. */
int store_current(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err);
/* Points `current` at it, atomically and synced. */
int store_switch(struct store *s, const char *id, struct error *err);
/* Removes `current` (a first release that failed its check). */
int store_switch_none(struct store *s, struct error *err);

/*
 * Mints an ID for a tree: UTC now and the first 8 hex digits of the tree id,
 * the next second that neither a record nor a directory has.
 */
int store_mint(const struct store *s, const uint8_t tree[static DIGEST_SIZE],
	char id[static RELEASE_ID_LEN + 1], struct error *err);
/* Whether the directory of a release is there. */
bool store_has_release(const struct store *s, const char *id);
/* Whether it is known not to be there: one that cannot be looked at may be. */
bool store_lost_release(const struct store *s, const char *id);
/* Directories under releases/, sorted, newest last. */
int store_releases(const struct store *s, struct strv *ids, struct error *err);
/*
 * The one release whose ID begins with, or whose short tree id is, `text`;
 * ambiguous and unknown ones are STATUS_REFUSED and list what there is.
 */
int store_find(const struct store *s, const char *text,
	char id[static RELEASE_ID_LEN + 1], struct error *err);
/* The same among records: a release that failed has only that and a log. */
int store_find_record(const struct store *s, const char *text,
	char id[static RELEASE_ID_LEN + 1], struct error *err);

/* Records. */
struct record {
	char *id, *app, *tree, *settings, *manifest; /* the hashes in hex */
	char *state;       /* staged, built, live (went live), failed,
	                      reverted */
	char *previous;    /* what it replaced when it first went live */
	char *by, *remote; /* who deployed, the remote's name */
	char *reason;      /* of failed and reverted; of a live one, why
	                      it is not checked */
	char *git_commit, *git_branch, *git_subject, *git_author, *git_remote;
	bool git_dirty;
	bool checked; /* restart and check passed since it was switched
	                      to last */
	bool held;    /* rolled back from, by hand or by a check */
	bool pinned;
	bool went_live;
	bool no_hooks; /* by a key that may not bring hooks: --hooks none */
	uint64_t created, activated; /* seconds since 1970 */
	uint64_t files, bytes;
	uint64_t hooks; /* its settings have so many hook commands */
	uint64_t umask; /* that narrowed its modes */
};

extern const struct message_field record_fields[];

void record_release(struct record *r);
/*
 * A missing record is an error with errno ENOENT, one that makes no sense has
 * EINVAL; both are STATUS_REFUSED, and the release is of no use any more.
 */
int record_load(const struct store *s, const char *id, struct record *r,
	struct error *err);
int record_save(const struct store *s, const struct record *r,
	struct error *err);
/* IDs of all records, sorted. */
int record_list(const struct store *s, struct strv *ids, struct error *err);
/* As store_lost_release(), of its record. */
bool record_is_lost(const struct store *s, const char *id);
/* A kept record of this tree and settings that is held; "" if none. */
int record_held(const struct store *s, const char *tree, const char *settings,
	char id[static RELEASE_ID_LEN + 1], struct error *err);
/*
 * Whether it belongs in a list: what is on disk, and what failed or was
 * reverted.  Records of releases that retention dropped do not.
 */
bool record_is_listed(const struct store *s, const struct record *r);
/* Fills the wire's form; strings are borrowed from r. */
void record_to_message(const struct record *r, const char *live,
	struct msg_release *out);

/* A release's deploy.conf text; "" if it had none. */
int record_settings(const struct store *s, const char *id, struct buf *text,
	struct error *err);
/*
 * The same, if it is what it came with, as its record has the hash: else
 * STATUS_REFUSED.
 */
int record_settings_checked(const struct store *s, const struct record *r,
	struct buf *text, struct error *err);
int record_save_settings(const struct store *s, const char *id,
	const char *text, size_t len, struct error *err);

/*
 * Manifests, by the SHA-256 of their text.  Saving prunes to the newest
 * STORE_MANIFESTS besides those that existing releases name.
 */
int store_save_manifest(const struct store *s, const struct manifest *m,
	char hex[static DIGEST_HEX + 1], struct error *err);
/* -1 with errno ENOENT if not kept; one that does not parse is an error. */
int store_load_manifest(const struct store *s, const char *hex,
	struct manifest *m, struct error *err);
/* NULL if its text is what its name says, else why not: "is gone". */
const char *store_manifest_fault(const struct store *s, const char *hex);
/* Its text, not verified; -1 with err. */
int store_open_manifest(const struct store *s, const char *hex,
	struct error *err);

/*
 * History: one line an event, "TIME EVENT ID FROM WHO TEXT", blanks within
 * fields escaped, appended with one write and fsync.
 *
 *	switching  about to rename over current (FROM: what was live; TEXT:
 *	           HISTORY_ROLLBACK if it is one)
 *	live       restart and check passed
 *	rollback   as live, but made by a rollback: ID is what is live again
 *	back       about to rename back to FROM; TEXT says why
 *	reverted   switched back to FROM; TEXT says why
 *	broken     switching back failed
 *	failed     build or migrate failed; nothing was switched
 *	built      built and not activated
 *	restarted  by `deploy restart'; unwell: that failed, TEXT says why
 *	repaired   by fsck; TEXT says how many faults
 *	run        a command of `deploy run' begins; TEXT is its words
 *	forced     a refusal was overridden; TEXT says which
 *	env-set    variables of the env file were set; TEXT has their
 *	           names, or their number and the first of them
 *	env-unset  the same, taken away
 */
struct event {
	int64_t time;                        /* seconds since 1970 */
	char *name, *id, *from, *who, *text; /* "" where it has none */
};

#define HISTORY_ROLLBACK "rollback"

/* Adds such a line to out. */
void history_line(struct buf *out, int64_t when, const char *name,
	const char *id, const char *from, const char *who, const char *text);
int history_append(const struct store *s, const char *name, const char *id,
	const char *from, const char *who, const char *text, struct error *err);
/* One that was then, and is known only now. */
int history_append_at(const struct store *s, int64_t when, const char *name,
	const char *id, const char *from, const char *who, const char *text,
	struct error *err);
typedef int history_fn(const struct event *e, void *arg);
/* Calls fn for each event, oldest first, until it returns nonzero. */
int history_each(const struct store *s, history_fn *fn, void *arg,
	struct error *err);
/*
 * What a rollback goes to: the release that was live before the current one
 * as the events tell (a rollback undoes a deploy, so two in a row go two
 * back), and whose directory and record still are there.  "" if none.  `gone',
 * of the same size or NULL: the first that would be it but for that, or "".
 */
int history_previous(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	char *gone, struct error *err);
/* What was live last as the events tell, "" if nothing. */
int history_live(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err);
/* A `switching` without an outcome: 1, else 0. */
struct history_switch {
	char id[RELEASE_ID_LEN + 1], from[RELEASE_ID_LEN + 1];
	int64_t time; /* when it began */
	bool rollback;
	bool back; /* it was on its way back already */
	char why[1024];
};

int history_unfinished(const struct store *s, struct history_switch *w,
	struct error *err);

/*
 * Retention: of the releases that went live the newest `keep` stay, and
 * always the current one, its predecessor (history_previous), pinned ones,
 * and those in which a visible process has its cwd or program.  Never
 * activated ones go after 7 days.  Dropped ones are renamed to trash/; old
 * records, manifests and logs go too.  The caller holds the lock; switch.lock
 * is taken for as long, so that none goes that is just being made live, and
 * STATUS_BUSY is returned where somebody has it.
 *
 * One whose record is lost can be gone back to no more: it goes when so many
 * newer ones are there, or with `lost` at once; the live one stays.
 */
struct prune_options {
	uint64_t keep;
	bool lost;
};

int prune_releases(struct store *s, const struct prune_options *o,
	struct strv *dropped, struct error *err);
/* What prune_releases() would drop now, newest first; needs no lock. */
int prune_plan(struct store *s, const struct prune_options *o, struct strv *ids,
	struct error *err);
/* Deletes what lies in trash/, here and now; 0, or -1 with errno: not all. */
int prune_trash_now(struct store *s);
/*
 * Deletes what is in any directory in the background; takes fd, -1 does
 * nothing.
 */
void prune_empty(int fd);

#endif
