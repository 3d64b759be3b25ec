/* Files that look like secrets: a warning's business, so names decide. */
#ifndef TREE_SECRETS_H
#define TREE_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the regular file dirfd/name looks like one.  A few bytes are read
 * where the name alone does not tell.
 */
bool secrets_look_like(int dirfd, const char *name);
/* The same for one whose `size` bytes lie at `offset` in fd. */
bool secrets_look_like_at(int fd, uint64_t offset, uint64_t size,
	const char *name);

#endif
