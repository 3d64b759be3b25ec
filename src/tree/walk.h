/*
 * The walk of scan.h: directories are read one at a time, sorted and walked
 * in place, which gives the manifest's order.  Everything is reached from the
 * handle of its directory, so that no path is too long and no link followed.
 */
#ifndef TREE_WALK_H
#define TREE_WALK_H

#include "base/buf.h"
#include "tree/hash_pool.h"
#include "tree/refusals.h"
#include "tree/rules.h"
#include "tree/scan.h"

/* A name of a directory that is being walked. */
struct name {
	const char *s;
	unsigned char type; /* DT_*, a hint */
};

struct walk {
	const struct scan_options *o;
	struct manifest *m;
	struct scan_result *result;
	struct rules rules;
	struct hash_pool *pool;
	struct refusals refusals;
	struct buf path;    /* of what is looked at, with the prefix */
	struct arena arena; /* the names */
	struct name *names; /* of this directory and those above it */
	size_t n, cap;
	uint64_t known;  /* bytes whose hash the index had */
	unsigned looked; /* entries since the last tick */
	struct error *err;
};

/* A directory on the way from the top to where the walk is. */
struct place {
	int fd; /* -1: closed for now */
	int depth;
	size_t path_len;    /* of the directory's own, with the prefix */
	size_t first, last; /* its names */
	struct rules_names special;
	struct rules_scope scope;
	bool left_out; /* a rule left something out */
	bool wanted;   /* a file of version control's lies in it */
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

/* Notes why it cannot be in a tree; 0, since the walk goes on. */
int walk_refuse(struct walk *w, const char *why);
struct entry *walk_add_entry(struct walk *w, const struct entry *like);
int walk_add_link(struct walk *w, struct place *p, const char *name);
int walk_add_file(struct walk *w, struct place *p, const char *name,
	const struct stat *st);

#endif
