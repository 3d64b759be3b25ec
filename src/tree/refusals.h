/* Paths that cannot be in a tree, gathered so that every one is named. */
#ifndef TREE_REFUSALS_H
#define TREE_REFUSALS_H

#include <stddef.h>

#include "base/error.h"

struct refusals {
	char *first; /* `path: why` */
	size_t n;
};

/* Warns of it, if it is among the first 50. */
void refusals_add(struct refusals *r, const char *path, const char *why);
/* 0 if there were none, else -1 with the first and the count. */
int refusals_report(const struct refusals *r, struct error *err);
void refusals_release(struct refusals *r);

#endif
