/*
 * Atomic replacement of small files: readers see the old text or the new,
 * and after a power cut one of the two.
 */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

struct error;

enum replace_sync {
	REPLACE_FAST, /* no sync: caches, which are checked when read */
	REPLACE_SYNC, /* the file and its directory are on disk on return */
};

/* Writes dirfd/name through dirfd/name.PID.tmp and a rename. */
int replace_file(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, enum replace_sync sync, struct error *err);

/* Points the symbolic link dirfd/name at target, always synced. */
int replace_link(int dirfd, const char *name, const char *target,
	struct error *err);

#endif
