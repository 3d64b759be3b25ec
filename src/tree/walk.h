/*
 * The walk of scan.h.  Directories are read by their paths, each once, sorted
 * and decided on by the rules, by several threads ahead of the walk itself
 * (walk_ahead.h), which goes through what they found in the manifest's order.
 *
 *	walk_read.c   one directory: names, rules, lstat
 *	walk_ahead.c  which is read next, and by whom
 *	walk.c        the walk
 *	walk_add.c    entries of files and links
 */
#ifndef TREE_WALK_H
#define TREE_WALK_H

#include "base/buf.h"
#include "tree/hash_pool.h"
#include "tree/refusals.h"
#include "tree/rules.h"
#include "tree/scan.h"

struct directory;

enum found_kind {
	FOUND_OUT,     /* by a rule; kept only if someone wants to know */
	FOUND_REFUSED, /* what cannot be in a tree */
	FOUND_FILE,
	FOUND_LINK,
	FOUND_DIRECTORY,
};

/* What a name stands for. */
struct found {
	const char *name;
	const char *rule; /* that decided, or NULL */
	union {
		const char *why; /* of a refusal */
		char *target;    /* of a link, allocated */
		struct directory *directory;
	};
	uint64_t inode;
	int64_t size;
	struct timespec mtime, ctime;
	mode_t mode;
	uint8_t kind; /* enum found_kind */
	bool in;      /* of a directory: not merely on the way to what is */
	bool secret;  /* of a file: it looks like one */
};

/* A directory: its scope and path come from above, the rest by reading. */
struct directory {
	char *path; /* as the repository names it, allocated */
	size_t path_len;
	struct rules_scope scope; /* the parent's, then its own */
	char *names;
	struct found *v;
	size_t n;
	bool left_out;       /* a rule left something out */
	bool wanted;         /* a file of version control's lies in it */
	bool gone;           /* it vanished meanwhile */
	const char *refused; /* why it cannot be read, if that is no error */
	struct error *err;   /* or NULL */
	/* Of those that wait to be read; walk_ahead.c's. */
	enum { DIRECTORY_WAITS, DIRECTORY_BEGUN, DIRECTORY_READ } state;
	struct directory *before, *behind;
};

struct directory *directory_new(const char *path,
	const struct rules_scope *scope);
/* With all below it. */
void directory_free(struct directory *d);

/* What a thread reads directories with, one after the other. */
struct reader {
	const struct scan_options *o;
	struct rules *rules;
	char *entries;      /* of getdents64(2) */
	struct buf text;    /* the names */
	struct name *names; /* in it */
	size_t n, cap;
	struct buf path; /* of what is looked at */
	struct found *v;
	size_t found, found_cap;
};

void reader_init(struct reader *r, const struct scan_options *o,
	struct rules *rules);
void reader_release(struct reader *r);
void reader_read(struct reader *r, struct directory *d);

struct walk {
	const struct scan_options *o;
	struct manifest *m;
	struct scan_result *result;
	struct rules rules;
	struct hash_pool *pool;
	struct ahead *ahead;
	struct refusals refusals;
	struct buf path; /* of what is looked at, with the prefix */
	uint64_t known;  /* bytes whose hash the index had */
	uint64_t chunks; /* in all files */
	unsigned looked; /* entries since the last tick */
	struct error *err;
};

/* Walks the whole tree; what was hashed is to be collected then. */
int walk_tree(struct walk *w);
/* Calls progress and stop. */
int walk_tick(struct walk *w);

/* The path of what is looked at, as the manifest has it. */
const char *walk_path(const struct walk *w);
uint16_t walk_mode(mode_t mode, bool exact);
/* Why a link's target, of n bytes, cannot be in a tree, or NULL. */
const char *walk_refuse_target(const char *target, size_t n);
/* Notes path if it tells of a build system. */
void walk_note_marker(struct scan_result *r, const char *path);

/* Notes why it cannot be in a tree. */
void walk_refuse(struct walk *w, const char *why);
struct entry *walk_add_entry(struct walk *w, const struct entry *like);
void walk_add_link(struct walk *w, const struct found *f);
void walk_add_file(struct walk *w, const struct found *f);
/* Enters what was hashed so far; -1 if something could not be. */
int walk_collect(struct walk *w, struct error *err);

#endif
