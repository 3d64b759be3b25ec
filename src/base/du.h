/*
 * How much room trees take on disk: allocated blocks, each file with several
 * names once.  Links are not followed.
 */
#ifndef BASE_DU_H
#define BASE_DU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct du {
	uint64_t bytes;   /* of all that was counted so far */
	uint64_t entries; /* how many that were, each an inode */
	int64_t deadline; /* io_now_ms() at which counting stops; 0: never */
	bool over;        /* it did */
	bool partial;     /* so, or as a disk failed, there is more */
	struct du_file {
		uint64_t device, inode;
	} * seen; /* a hash table of files with several names */
	size_t n, size;
};

#define DU_INIT \
	{ \
		0, 0, 0, false, false, NULL, 0, 0 \
	}

/* Adds dirfd/name, whatever it is; what is missing or closed to us adds 0. */
void du_add(struct du *d, int dirfd, const char *name);
void du_release(struct du *d);

#endif
