/*
 * The members of an archive on their way to a manifest: they are added in the
 * archive's order, then sorted, and only then is it seen which exclude each
 * other.
 */
#ifndef TREE_MEMBERS_H
#define TREE_MEMBERS_H

#include "tree/manifest.h"
#include "tree/refusals.h"

struct member {
	struct entry e;   /* strings in the arena; of a hard link the path */
	const char *hard; /* what it is a hard link to, or NULL */
	uint64_t offset;  /* of its contents, in the spool */
	size_t nth;       /* in the archive; set by members_add() */
};

struct members {
	struct member *v;
	size_t n, cap;
	struct arena arena;
};

void members_add(struct members *l, const struct member *f);
void members_release(struct members *l);

/*
 * Enters all in m, which is empty, with the directories that are missing.
 * Hard links become what they are links to.  *offsets becomes an array of
 * each entry's place in the spool, which the caller frees.  What is refused
 * is added to `refusals`; -1 is for more than a manifest holds.
 */
int members_enter(struct members *l, struct manifest *m, uint64_t **offsets,
	struct refusals *refusals, struct error *err);

#endif
