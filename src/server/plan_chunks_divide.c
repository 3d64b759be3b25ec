/*
 * Old files of which no manifest says how they are divided, because they
 * changed while they were sent, or their deploy failed: the server divides
 * them itself, as a client does.  Only a file at the same path is tried.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/plan_parts.h"
#include "tree/chunk.h"

#define READ_SIZE (256 * 1024)

/* Reads fd to its end; *out becomes its chunks, or NULL. */
static int
divide(struct plan_search *x, int fd, struct chunks **out)
{
	char *piece = mem_alloc(READ_SIZE);
	struct chunker c;
	ssize_t n;
	int rc = 0;

	chunker_init(&c);
	while (rc == 0 && (n = io_read_full(fd, piece, READ_SIZE)) > 0) {
		chunker_add(&c, piece, (size_t)n);
		rc = busy_turn(x->o->busy, x->err);
	}
	*out = chunker_end(&c);
	chunker_release(&c);
	free(piece);
	return rc;
}

static void
take_chunks(struct plan_pieces *t, const struct chunks *c,
	const struct piece *place)
{
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		struct piece *p = plan_piece(t, c->v[i].digest);

		if (!p || p->where != PIECE_NONE)
			continue;
		p->release = place->release;
		p->path = place->path;
		p->offset = c->v[i].offset;
		plan_piece_set(t, p, place->where);
	}
}

int
plan_chunks_look_at(struct plan_search *x, struct plan_pieces *t, int top,
	const struct piece *place)
{
	struct chunks *c = NULL;
	struct stat st;
	int fd = beneath_open(top, place->path,
		O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	int rc = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		st.st_size > CHUNK_FILE)
		rc = divide(x, fd, &c);
	io_close(&fd);
	if (c)
		take_chunks(t, c, place);
	free(c);
	return rc;
}

/* Where old files may be. */
struct places {
	const char *id; /* the newest release; the plan's */
	int release, next;
};

static int
open_places(struct plan_search *x, struct places *at)
{
	struct strv ids = STRV_INIT;
	char path[64];

	if (store_releases(x->s, &ids, x->err) < 0)
		return -1;
	at->release = -1;
	if (ids.n) {
		const char *id = ids.v[ids.n - 1];

		at->id = arena_strndup(&x->p->arena, id, strlen(id));
		snprintf(path, sizeof(path), "releases/%s", id);
		at->release = beneath_open(x->s->dir, path,
			O_PATH | O_DIRECTORY, 0);
	}
	strv_release(&ids);
	at->next = openat(x->s->own, "next",
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

static bool
is_poor(struct plan_pieces *t, const struct divided *d)
{
	return !d->known && !plan_chunks_enough(t, d);
}

static int
look_for(struct plan_search *x, struct plan_pieces *t, const struct divided *d,
	const struct places *at)
{
	const struct piece release = {
		.where = PIECE_RELEASE, .release = at->id, .path = d->e->path
	};
	const struct piece next = { .where = PIECE_NEXT, .path = d->e->path };
	int rc = 0;

	if (at->release >= 0)
		rc = plan_chunks_look_at(x, t, at->release, &release);
	if (rc == 0 && at->next >= 0 && is_poor(t, d))
		rc = plan_chunks_look_at(x, t, at->next, &next);
	return rc;
}

/* Whether one of them may do with more. */
static bool
any_poor(const struct plan *p, struct plan_pieces *t)
{
	size_t i = 0;

	while (i < p->n_divided && !is_poor(t, &p->divided[i]))
		i++;
	return i < p->n_divided;
}

int
plan_chunks_divide(struct plan_search *x, struct plan_pieces *t)
{
	struct plan *p = x->p;
	struct places at = { NULL, -1, -1 };
	size_t i;
	int rc;

	if (!any_poor(p, t))
		return 0;
	rc = open_places(x, &at);
	for (i = 0; rc == 0 && i < p->n_divided; i++)
		if (is_poor(t, &p->divided[i]))
			rc = look_for(x, t, &p->divided[i], &at);
	io_close(&at.release);
	io_close(&at.next);
	return rc;
}
