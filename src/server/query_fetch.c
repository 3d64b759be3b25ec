/*
 * The verb fetch: the tree of a release as it was deployed, its manifest
 * first, then the bytes of its files in the manifest's order.  The client
 * verifies each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/zstream.h"
#include "server/query.h"

#define PIECE 65536
#define LEVEL 3
#define NAMED_MOST 5

struct fetch {
	struct query *q;
	struct manifest m;   /* as deployed */
	struct manifest out; /* what is sent: less what is lost */
	int release, shared; /* handles */
	struct beneath at, shared_at;
	size_t lost;
	struct buf names; /* of some that are lost */
	struct zout *z;
	struct buf packed;
	char *piece;
	bool stopped; /* the session was, with err */
};

/* A regular file of that size below one of the handles, or -1. */
static int
open_at(struct beneath *at, const struct entry *e)
{
	const char *leaf;
	int dir = beneath_at(at, e->path, &leaf);
	struct stat st;
	int fd;

	if (dir < 0)
		return -1;
	fd = openat(dir, leaf,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 ||
		(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
			(uint64_t)st.st_size == e->size))
		return fd;
	io_close(&fd);
	return -1;
}

static bool
has_digest(struct fetch *f, int fd, const struct entry *e)
{
	struct digest *d = digest_new();
	uint8_t found[DIGEST_SIZE];
	ssize_t n;

	while ((n = io_read_full(fd, f->piece, PIECE)) > 0) {
		digest_update(d, f->piece, (size_t)n);
		f->stopped = session_busy(f->q->s, f->q->err) < 0;
		if (f->stopped)
			break;
	}
	digest_final(d, found);
	digest_free(d);
	return n == 0 && !memcmp(found, e->digest, DIGEST_SIZE) &&
		lseek(fd, 0, SEEK_SET) == 0;
}

/*
 * What the tree holds at a shared path was replaced by a link when it was
 * deployed; in shared/ it may still be what it was.
 */
static int
open_shared(struct fetch *f, const struct entry *e)
{
	int fd = f->shared < 0 ? -1 : open_at(&f->shared_at, e);

	if (fd >= 0 && !has_digest(f, fd, e))
		io_close(&fd);
	return fd;
}

static int
open_file(struct fetch *f, const struct entry *e)
{
	int fd = open_at(&f->at, e);

	return fd >= 0 ? fd : open_shared(f, e);
}

static bool
is_there(struct fetch *f, const struct entry *e)
{
	int fd;

	if (e->type != ENTRY_FILE)
		return true;
	fd = open_file(f, e);
	if (fd < 0)
		return false;
	io_close(&fd);
	return true;
}

static void
note_lost(struct fetch *f, const struct entry *e)
{
	if (f->q->ask.force)
		session_note(f->q->s,
			"%s is left out: it is not what was deployed", e->path);
	else if (f->lost < NAMED_MOST)
		buf_addf(&f->names, "%s%s", f->lost ? ", " : "", e->path);
	f->lost++;
}

/* Before anything is sent: what is not there any more. */
static int
look(struct fetch *f)
{
	size_t i;

	for (i = 0; i < f->m.n; i++) {
		const struct entry *e = &f->m.v[i];

		if (is_there(f, e))
			manifest_add(&f->out, e);
		else if (!f->stopped)
			note_lost(f, e);
		if (f->stopped || session_busy(f->q->s, f->q->err) < 0)
			return -1;
	}
	manifest_finish(&f->out);
	if (!f->lost || f->q->ask.force)
		return 0;
	error_status(f->q->err, STATUS_REFUSED,
		"%zu files of this release are not what was deployed: %s%s",
		f->lost, f->names.data, f->lost > NAMED_MOST ? ", ..." : "");
	return error_hint(f->q->err,
		"a build changed them, or they are shared; --force fetches "
		"the others");
}

static int
send_packed(struct fetch *f, const char *type, size_t least)
{
	int rc = 0;

	if (f->packed.len >= least) {
		rc = query_output(f->q, type, buf_str(&f->packed),
			f->packed.len);
		buf_clear(&f->packed);
	}
	return rc < 0 ? -1 : session_busy(f->q->s, f->q->err);
}

static int
send_manifest(struct fetch *f)
{
	struct buf text = BUF_INIT;
	struct zout *z = zout_new(LEVEL);

	manifest_write(&f->out, &text);
	zout_write(z, text.data, text.len, ZFLUSH_END, &f->packed);
	zout_free(z);
	buf_release(&text);
	return send_packed(f, "manifest", 0);
}

static int
send_bytes(struct fetch *f, int fd, const struct entry *e)
{
	uint64_t left = e->size;

	while (left) {
		size_t want = left < PIECE ? (size_t)left : PIECE;
		ssize_t n = io_read_full(fd, f->piece, want);

		if (n < 0)
			return error_errno(f->q->err, "cannot read %s",
				e->path);
		if ((size_t)n < want)
			return error_status(f->q->err, STATUS_REFUSED,
				"%s shrank while it was read", e->path);
		zout_write(f->z, f->piece, want, ZFLUSH_NO, &f->packed);
		left -= want;
		if (send_packed(f, "files", PIECE / 2) < 0)
			return -1;
	}
	return 0;
}

static int
send_files(struct fetch *f)
{
	size_t i;
	int rc = 0;

	f->z = zout_new(LEVEL);
	for (i = 0; rc == 0 && i < f->out.n; i++) {
		const struct entry *e = &f->out.v[i];
		int fd;

		if (e->type != ENTRY_FILE || e->size == 0)
			continue;
		fd = open_file(f, e);
		if (fd < 0 && f->stopped)
			rc = -1;
		else if (fd < 0)
			rc = error_status(f->q->err, STATUS_REFUSED,
				"%s changed while the release was read",
				e->path);
		else
			rc = send_bytes(f, fd, e);
		io_close(&fd);
	}
	if (rc < 0)
		return -1;
	zout_write(f->z, "", 0, ZFLUSH_END, &f->packed);
	return send_packed(f, "files", 0);
}

static int
open_release(struct fetch *f, const char *id)
{
	struct store *s = &f->q->s->store;
	struct record r = { 0 };
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "releases/%s", id);
	f->shared = beneath_open(s->dir, "shared", O_RDONLY | O_DIRECTORY, 0);
	f->release = beneath_open(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	/* Retention spares a release that a process is in. */
	if (f->release < 0 || fchdir(f->release) < 0)
		return error_errno(f->q->err, "cannot open %s", path);
	beneath_init(&f->at, f->release);
	beneath_init(&f->shared_at, f->shared);
	rc = record_load(s, id, &r, f->q->err);
	if (rc == 0)
		rc = store_load_manifest(s, r.manifest, &f->m, f->q->err);
	record_release(&r);
	return rc;
}

static void
fetch_release(struct fetch *f)
{
	beneath_release(&f->at);
	beneath_release(&f->shared_at);
	manifest_release(&f->m);
	manifest_release(&f->out);
	buf_release(&f->names);
	buf_release(&f->packed);
	zout_free(f->z);
	free(f->piece);
	io_close(&f->release);
	io_close(&f->shared);
}

int
query_fetch(struct query *q)
{
	struct fetch f = { .q = q,
		.m = MANIFEST_INIT,
		.out = MANIFEST_INIT,
		.release = -1,
		.shared = -1,
		.at = { .fd = -1 },
		.shared_at = { .fd = -1 } };
	char id[RELEASE_ID_LEN + 1], live[RELEASE_ID_LEN + 1];
	int rc = -1;

	if (!q->ask.release)
		return error_status(q->err, STATUS_USAGE,
			"fetch needs a release");
	f.piece = mem_alloc(PIECE);
	if (store_find(&q->s->store, q->ask.release, id, q->err) == 0 &&
		store_current(&q->s->store, live, q->err) == 0 &&
		open_release(&f, id) == 0 && look(&f) == 0 &&
		query_send_release(q, id, live) == 0 && send_manifest(&f) == 0)
		rc = send_files(&f);
	if (rc == 0)
		q->result->release = mem_strdup(id);
	fetch_release(&f);
	return rc;
}
