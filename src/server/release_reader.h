/* Opening files of releases, one after the other; the last release is kept. */
#ifndef SERVER_RELEASE_READER_H
#define SERVER_RELEASE_READER_H

#include "base/beneath.h"
#include "server/store.h"

struct release_reader {
	const struct store *s;
	const char *id; /* borrowed: another pointer is another release */
	struct beneath at;
	int fd;
};

void release_reader_init(struct release_reader *r, const struct store *s);
void release_reader_release(struct release_reader *r);
/* Opens path in the release id to be read; -1 with errno. */
int release_reader_open(struct release_reader *r, const char *id,
	const char *path);

#endif
