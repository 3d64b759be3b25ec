/*
 * One staging, shared by the files that do it:
 *
 *	stage.c         the order of things
 *	stage_make.c    one entry of the tree
 *	stage_finish.c  what changed goes to disk, and into the index
 *	stage_settle.c  what did not go there goes later
 */
#ifndef SERVER_STAGE_PARTS_H
#define SERVER_STAGE_PARTS_H

#include "base/beneath.h"
#include "server/release_reader.h"
#include "server/stage.h"

struct stage {
	struct store *s;
	struct plan *p;
	const struct stage_options *o;
	int next, tmp;
	struct beneath at; /* in next/ */
	struct release_reader releases;
	bool *touched;  /* by place in m: made or changed, so to be synced */
	size_t written; /* how many of them */
	const struct origin *changed; /* before it was copied, or while */
	const char *parent; /* of the path whose directory was noted last */
	bool blocked;       /* by what is not ours, or is held fast */
	struct error *err;
};

/* With relaxed durability: from here on not all is on disk. */
int stage_note_unsynced(const struct store *s, struct error *err);

/* Notes that an entry was made or changed. */
void stage_touch(struct stage *t, const struct entry *e);
/* The directory that path stands in gets its time anew. */
void stage_touch_parent(struct stage *t, const char *path);
/* Why path could not be staged, by errno or by what changed; always -1. */
int stage_failed(struct stage *t, const char *path);

int stage_make_entry(struct stage *t, const struct entry *e);
/* Mode and time, touched only where they differ: ctime is our witness. */
int stage_adjust_entry(struct stage *t, const struct entry *e);

#endif
