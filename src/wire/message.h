/*
 * What the frames mean.  Both halves of each message stand here.
 *
 *	client                                   server
 *	hello                         ─────────►
 *	push (app, then, base, tree,             authorise, lock;
 *	      settings, git facts)    ─────────► or refuse at once
 *	                              ◄────────  hello
 *	                              ◄────────  live (what is replaced; it
 *	                                         says that the lock is held)
 *	                              ◄────────  result (already live: done)
 *	                                       | send full (no base, or one
 *	                                         that is not kept)
 *	full                          ─────────► what came before it is void
 *	settings (deploy.conf)        ─────────►
 *	manifest (zstd stream)        ─────────► with a base these two come
 *	                                         right behind push, and the
 *	                                         manifest is a difference
 *	offer (changed small files)   ─────────► and this, unasked, if push has
 *	                                         said so; its files follow
 *	                              ◄────────  need ...  need-end
 *	files (zstd'ed tar stream)    ─────────► verify each as it lands, keep
 *	amend                         ─────────►
 *	                              ◄────────  bad (what did not verify)
 *	                              ◄────────  .stage .log .note
 *	                              ◄────────  staged, if `then hold`
 *	go | abort                    ─────────►
 *	                              ◄────────  manifest (the live one, as a
 *	                                         difference), if `then compare`
 *	                              ◄────────  result
 *
 *	ask (verb, app, release)      ─────────► the other verbs
 *	words; input ... input-end    ─────────► of some
 *	                              ◄────────  more (run: an input was used)
 *	                              ◄────────  release ...  .log ...  status
 *	                              ◄────────  output ...  variable ...
 *	                              ◄────────  dropped ...  fault ...
 *	                              ◄────────  manifest ...  files ...
 *	                              ◄────────  result
 *
 * A control payload is lines of "key SP value LF"; unknown keys are ignored,
 * a key that is absent leaves its field 0 or NULL.  Values hold no LF and no
 * NUL.  A message's struct owns its strings (MESSAGE_RELEASE); when writing
 * they may be borrowed, if it is then not released.
 *
 * ranges = line numbers of the manifest, ascending, "57" or "60-75", one a
 * line.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/frame.h"

struct msg_hello {
	uint64_t version; /* 1 */
	char *agent;      /* "deploy/0.1.0" */
};

enum push_then { THEN_ACTIVATE, THEN_BUILD, THEN_HOLD, THEN_COMPARE };

/* The facts of a git checkout; also in a release's record. */
struct msg_push {
	char *app;
	char *then;     /* activate, build (and stop), hold, compare */
	char *tree;     /* tree id, hex */
	char *base;     /* SHA-256 of the base manifest's text, or NULL */
	char *settings; /* SHA-256 of deploy.conf's text (of "" if none) */
	char *remote;   /* the remote's name in deploy.conf */
	char *user;     /* who deploys, as the client claims */
	char *expect;   /* --expect */
	uint64_t files, bytes, entries;
	uint64_t hooks; /* the settings have so many hook commands */
	uint64_t wait;  /* --wait: seconds */
	uint64_t lanes; /* further channels that the client can open */
	bool force, rebuild, no_cache;
	bool offer; /* one follows the difference */
	char *git_commit, *git_branch, *git_subject, *git_author, *git_remote;
	bool git_dirty;
};

/* What is live and would be replaced. */
struct msg_live {
	char *release, *tree, *settings, *git_commit, *git_subject;
	uint64_t files;
};

/* What was sent behind push is of no use. */
struct msg_send {
	char *what; /* "full" */
	char *reason;
};

struct msg_stage {
	char *name;
};

/* A further channel for the files of a push. */
struct msg_put {
	char *app;
	char *token; /* need-end's */
};

/* Built and held. */
struct msg_staged {
	char *release;
};

/* Plain bytes of the files of an offer: more is refused. */
#define OFFER_MOST (1024 * 1024)

/* Behind the last need. */
struct msg_need_end {
	uint64_t files, bytes; /* asked for, or offered */
	uint64_t reused;       /* files of the tree that are held already */
	char *reason;          /* why something is not reused, for -v */
	char *token;           /* for put, or NULL: one channel will do */
};

/* run: input frames that a client may send ahead of `more`. */
#define RUN_CREDIT 4

/* The verbs besides push: releases, rollback, activate, status, log. */
struct msg_ask {
	char *verb;
	char *app;
	char *release; /* an ID or the start of one, or NULL */
	char *expect;
	char *user;
	uint64_t wait;
	uint64_t lines; /* logs: so many at first */
	bool force, follow, reveal, dry_run;
};

/* One release in the answer to `releases` and `status`. */
struct msg_release {
	char *id, *tree, *previous;
	char *state; /* live, kept, built, failed, reverted */
	bool live, checked, pinned, held;
	uint64_t created; /* seconds since 1970; also activated */
	uint64_t activated;
	uint64_t files, bytes;
	char *by, *git_commit, *git_branch, *git_subject, *remote;
	bool git_dirty;
	char *reason; /* of failed and reverted */
};

struct msg_status {
	char *app, *live, *previous;
	char *busy;    /* who deploys now and since when, or NULL */
	char *cut_off; /* whose switch nobody finishes, or NULL */
	uint64_t releases;
	uint64_t free_bytes, total_bytes; /* of the store's file system */
	/* What these take on disk. */
	uint64_t releases_bytes, next_bytes, shared_bytes, cache_bytes;
	char *more; /* those that were not counted to the end */
	char *version;
	char *apps; /* other apps here, blank-separated, for near misses */
	bool exists;
};

/* What prune drops: a release; without one the spare, or what lay in trash/. */
struct msg_dropped {
	char *release;
	uint64_t bytes;
	bool more; /* it was not counted to the end */
	bool spare;
};

/* What verify or fsck found to be wrong. */
struct msg_fault {
	char *release; /* whose path it is; NULL: it is below the app's */
	char *path;
	char *change; /* M, D or T, of a release's path */
	char *how;    /* content, mode, ..., or in words */
	char *repair; /* what was done about it, or would be; NULL: nothing */
	char *advice; /* what a person can do */
};

/* What doctor looked at. */
struct msg_finding {
	char *name;
	char *state; /* ok, note or fault */
	char *text;
};

struct msg_result {
	uint64_t status; /* enum status */
	char *outcome;   /* deployed, same, built, compared, activated,
	                     rolled-back, pruned, pinned, unpinned, removed,
	                     verified, answered, failed */
	char *release, *previous, *live;
	char *error, *hint;
	char *stage; /* the hook that failed */
	char *kept;  /* remove: the archive, a path on the server */
	uint64_t files, reused, bytes;
	uint64_t code; /* run: the command's exit status */
	bool held;
};

/*
 * One struct's table of at most 64 keys; it ends with a NULL key.  message.c
 * holds those of the messages; the server keeps its records in the same form.
 */
enum message_kind { MESSAGE_TEXT, MESSAGE_NUMBER, MESSAGE_FLAG };

struct message_field {
	const char *key;
	enum message_kind kind; /* char *, uint64_t, bool */
	size_t offset;
};

/* A value longer than this is cut when written, and refused when read. */
#define MESSAGE_VALUE_MOST 4096
/* Numbers are within 63 bits, so that a signed type holds them. */
#define MESSAGE_NUMBER_MOST INT64_MAX

extern const struct message_field msg_hello_fields[], msg_push_fields[],
	msg_live_fields[], msg_send_fields[], msg_stage_fields[],
	msg_put_fields[], msg_staged_fields[], msg_need_end_fields[],
	msg_ask_fields[], msg_release_fields[], msg_status_fields[],
	msg_dropped_fields[], msg_fault_fields[], msg_finding_fields[],
	msg_result_fields[];

void message_write(const struct message_field *fields, const void *msg,
	struct buf *out);
/* Fills a zeroed struct; malformed lines and numbers are errors. */
int message_read(const struct message_field *fields, const char *data,
	size_t len, void *msg, struct error *err);
/* Frees the strings and zeroes. */
void message_release(const struct message_field *fields, void *msg);

#define MESSAGE_SEND(c, type, name, msg) \
	message_send((c), (type), msg_##name##_fields, (msg))
#define MESSAGE_READ(name, frame, msg, err) \
	message_read(msg_##name##_fields, (frame)->data, (frame)->len, (msg), \
		(err))
#define MESSAGE_RELEASE(name, msg) message_release(msg_##name##_fields, (msg))

void message_send(struct channel *c, const char *type,
	const struct message_field *fields, const void *msg);

enum push_then push_then_parse(const char *word); /* -1: none of them */

/*
 * A result frame of an error, and back: a status that is none of ours becomes
 * STATUS_TRANSFER, and a text is never empty.
 */
void result_from_error(struct msg_result *r, const struct error *err);
void result_to_error(const struct msg_result *r, struct error *err);

/* Ascending line numbers, added to one by one, written as ranges. */
struct ranges {
	struct range {
		uint32_t first, last;
	} * v;
	size_t n, cap;
};

void ranges_add(struct ranges *r, uint32_t line);
void ranges_release(struct ranges *r);
/* How many lines they are. */
uint64_t ranges_count(const struct ranges *r);
bool ranges_has(const struct ranges *r, uint32_t line);
/* Line by line, from a zeroed cursor: false when there is no more. */
struct ranges_cursor {
	size_t i;
	uint32_t next; /* in range i, or 0: its first */
};
bool ranges_next(const struct ranges *r, struct ranges_cursor *at,
	uint32_t *line);
/* Sends them in as many frames of that type as it takes. */
void ranges_send(struct channel *c, const char *type, const struct ranges *r);
/* Appends what a frame holds; each must be above the last and <= most. */
int ranges_read(struct ranges *r, const char *data, size_t len, uint32_t most,
	struct error *err);

#endif
