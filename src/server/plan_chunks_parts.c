/*
 * Beginnings of large files whose upload was cut off: tmp/part.PID.  Of which
 * file is not known, so the server divides them, and looks for the chunks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "server/plan_parts.h"
#include "server/writer.h"

/* Calls fn for each; what cannot be read of them comes again. */
static int
each_part(struct plan_search *x, struct plan_pieces *t,
	int (*fn)(struct plan_search *x, struct plan_pieces *t, int tmp,
		const char *name))
{
	int fd = openat(x->s->own, "tmp", PLAN_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	int rc = 0;

	while (dir && rc == 0 && io_next_name(dir, &name) > 0)
		if (!strncmp(name, WRITER_PART, strlen(WRITER_PART)))
			rc = fn(x, t, fd, name);
	if (dir)
		closedir(dir);
	return rc;
}

static int
take(struct plan_search *x, struct plan_pieces *t, int tmp, const char *name)
{
	const struct piece place = { .where = PIECE_TMP,
		.path = arena_strndup(&x->p->arena, name, strlen(name)) };

	return plan_chunks_look_at(x, t, tmp, &place);
}

static bool
has_piece(const struct divided *d, const char *name)
{
	uint32_t i;

	for (i = 0; i < d->e->chunks->n; i++) {
		const struct piece *p = d->pieces[i];

		if (p->where == PIECE_TMP && p->path && !strcmp(p->path, name))
			return true;
	}
	return false;
}

static int
drop(struct plan_search *x, struct plan_pieces *t, int tmp, const char *name)
{
	size_t i;

	for (i = 0; i < x->p->n_divided; i++)
		if (has_piece(&x->p->divided[i], name))
			return 0;
	(void)unlinkat(tmp, name, 0);
	return 0;
}

int
plan_chunks_parts(struct plan_search *x, struct plan_pieces *t)
{
	return each_part(x, t, take);
}

void
plan_chunks_drop_parts(struct plan_search *x)
{
	(void)each_part(x, NULL, drop);
}
