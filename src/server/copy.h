/* Copies of files and trees on the server: a reflink where there can be one. */
#ifndef SERVER_COPY_H
#define SERVER_COPY_H

#include <stdbool.h>

#include "server/busy.h"

/* Copies all of `in` to the empty file `out`; 0 or -1 with errno. */
int copy_file(int in, int out);

/* Whether files below dir can be cloned, so that copies take no room. */
bool copy_can_clone(int dir);

/*
 * Copies the directory, file or link at `path` below from into the same
 * path below to, with modes and times; missing parents are made.  What is
 * there already stays, whatever it is: the tree's own files win.  A path
 * that leads through a file or a link, here or there, copies nothing.
 */
int copy_tree(int from, int to, const char *path, const struct busy *busy,
	struct error *err);

#endif
