#include "server/release_reader.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"

void
release_reader_init(struct release_reader *r, const struct store *s)
{
	r->s = s;
	r->id = NULL;
	r->fd = -1;
	beneath_init(&r->at, -1);
}

void
release_reader_release(struct release_reader *r)
{
	beneath_release(&r->at);
	io_close(&r->fd);
}

int
release_reader_open(struct release_reader *r, const char *id, const char *path)
{
	char name[64];
	const char *leaf;
	int dir;

	if (r->id != id) {
		snprintf(name, sizeof(name), "releases/%s", id);
		beneath_release(&r->at);
		io_close(&r->fd);
		r->fd = beneath_open(r->s->dir, name, O_PATH | O_DIRECTORY, 0);
		r->id = id;
		beneath_init(&r->at, r->fd);
	}
	dir = beneath_at(&r->at, path, &leaf);
	return dir < 0 ? -1 : beneath_open_file(dir, leaf);
}
