/*
 * What a line of the manifest asks for: a file, or one chunk of it.
 *
 * The c line of a file that has lost its chunks to an amend asks for the whole
 * file, once: whoever sends and whoever receives keeps in mind that it was
 * sent `instead`, and passes over the file's other c lines.
 */
#ifndef TREE_WANTED_H
#define TREE_WANTED_H

#include "tree/manifest.h"

struct wanted {
	struct entry *e;
	uint64_t offset, size; /* in the file */
	const uint8_t *digest; /* of that much; the manifest's */
	bool part;             /* a chunk */
	bool instead;          /* the file, in place of a chunk */
};

/* 0, or -1 if the line is no file's. */
int wanted_find(struct wanted *w, const struct manifest *m, uint32_t line);

#endif
