/* Out of a next/ in which something is in the way: all that is of use. */
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/copy.h"

/* For what cannot be moved, as an immutable file. */
static int
copy_out(int dir, const char *leaf, int tmp, const char *hex)
{
	int in = beneath_open_file(dir, leaf);
	int out = -1, rc = -1;

	if (in >= 0)
		out = openat(tmp, hex,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (out >= 0)
		rc = copy_file(in, out);
	io_close(&in);
	io_close(&out);
	return rc;
}

static int
take_out(struct supply *u, struct beneath *at, const char *path, int tmp)
{
	char hex[DIGEST_HEX + 1];
	const char *leaf;
	int dir;

	digest_to_hex(u->digest, hex);
	dir = beneath_at(at, path, &leaf);
	if (dir < 0 ||
		(renameat(dir, leaf, tmp, hex) < 0 &&
			copy_out(dir, leaf, tmp, hex) < 0))
		return -1;
	u->where = SUPPLY_TMP;
	return 0;
}

/* What is moved or stays there; other supplies serve again. */
static bool
may_be_in_next(const struct supply *u)
{
	return u->where == SUPPLY_KEPT || u->where == SUPPLY_NEXT ||
		u->where == SUPPLY_TMP;
}

static int
take_all_out(struct plan *p, struct beneath *at, int tmp)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct supply *u = &p->v[i];

		u->users = 0;
		if (u->where == SUPPLY_NEXT &&
			take_out(u, at, u->path, tmp) < 0)
			return -1;
	}
	for (i = 0; i < p->m->n; i++) {
		const struct entry *e = &p->m->v[i];
		struct supply *u;

		if (e->type != ENTRY_FILE)
			continue;
		u = plan_supply(p, e);
		u->users++;
		if (p->seen[i].place != PLACE_NOT && may_be_in_next(u) &&
			take_out(u, at, e->path, tmp) < 0)
			return -1;
	}
	return 0;
}

int
stage_take_out(struct plan *p, int next, int tmp)
{
	struct beneath at;
	int rc;

	beneath_init(&at, next);
	rc = take_all_out(p, &at, tmp);
	beneath_release(&at);
	if (rc == 0) {
		memset(p->seen, 0, p->m->n * sizeof(*p->seen));
		strv_release(&p->strays);
	}
	return rc;
}
