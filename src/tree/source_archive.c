/* Reading an archive: contents go to the spool, the rest to members.h. */
#include "tree/source.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "tree/chunk.h"
#include "tree/members.h"
#include "tree/rules.h"
#include "tree/secrets.h"
#include "tree/tarball.h"
#include "tree/walk.h"

#define TICK_BYTES (1024 * 1024)
/* What a member counts for without its contents. */
#define MEMBER_BYTES 4096

struct reading {
	const struct source_options *o;
	struct source *s;
	struct manifest *m;
	struct scan_result *result;
	struct tarball *tar;
	struct refusals refusals;
	struct digest *digest;
	struct chunker chunker;
	bool divides;    /* the file under way */
	uint64_t chunks; /* in all files */
	struct members members;
	uint64_t spooled; /* bytes */
	uint64_t unsaid;  /* since the last tick */
	const char *dir;  /* of the spool */
	struct error *err;
};

static int
spool_failed(struct reading *r)
{
	int error = errno;

	error_errno(r->err, "cannot unpack %s into %s", tarball_name(r->tar),
		r->dir);
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return error_hint(r->err,
			"make room there, or set TMPDIR to a directory that "
			"has room for all that is in the archive");
	return error_hint(r->err,
		"set TMPDIR to a directory that can be written");
}

static int
open_spool(struct reading *r)
{
	const char *dir = getenv("TMPDIR");
	char *name;
	int fd;

	r->dir = dir && *dir ? dir : "/tmp";
	fd = open(r->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* Not every file system makes files without a name. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		name = mem_printf("%s/deploy.XXXXXX", r->dir);
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
		free(name);
	}
	r->s->spool = fd;
	return fd < 0 ? spool_failed(r) : 0;
}

/* Tells how far it is; whether to stop. */
static bool
look_up(void *arg)
{
	const struct reading *r = arg;
	const struct source_options *o = r->o;

	if (o->progress)
		o->progress(o->arg, r->members.n, r->spooled);
	return o->stop && o->stop(o->arg);
}

/* Counts work done, and looks up now and then. */
static int
tick(struct reading *r, uint64_t bytes)
{
	r->unsaid += bytes;
	if (r->unsaid < TICK_BYTES)
		return 0;
	r->unsaid = 0;
	if (look_up(r))
		return error_status(r->err, STATUS_INT, "interrupted");
	return 0;
}

static int
spool(struct reading *r, const void *data, size_t len)
{
	if (io_write_full(r->s->spool, data, len) < 0)
		return spool_failed(r);
	digest_update(r->digest, data, len);
	if (r->divides)
		chunker_add(&r->chunker, data, len);
	r->spooled += len;
	return tick(r, len);
}

/* A hole of a sparse file is zeros like any others. */
static int
spool_zeros(struct reading *r, uint64_t len)
{
	static const char zeros[65536];

	while (len) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		if (spool(r, zeros, n) < 0)
			return -1;
		len -= n;
	}
	return 0;
}

/* What is too much for a manifest is not divided. */
static void
end_chunks(struct reading *r, struct entry *e)
{
	struct chunks *c = chunker_end(&r->chunker);
	size_t size;

	if (c && r->chunks + c->n <= MANIFEST_CHUNKS_MOST) {
		r->chunks += c->n;
		size = sizeof(*c) + c->n * sizeof(*c->v);
		e->chunks = memcpy(arena_alloc(&r->members.arena, size), c,
			size);
	}
	free(c);
}

static int
spool_file(struct reading *r, struct member *f)
{
	uint64_t done = 0, at, size = f->e.size;
	const void *data;
	size_t len;
	int more;

	f->offset = r->spooled;
	if (size > INT64_MAX)
		return error_set(r->err, "%s is damaged: the size of %s",
			tarball_name(r->tar), f->e.path);
	r->divides = size > CHUNK_FILE;
	while ((more = tarball_data(r->tar, &data, &len, &at, r->err)) > 0) {
		if (at < done || at > size || len > size - at)
			return error_set(r->err,
				"%s is damaged: %s has bytes out of place",
				tarball_name(r->tar), f->e.path);
		if (spool_zeros(r, at - done) < 0 || spool(r, data, len) < 0)
			return -1;
		done = at + len;
	}
	if (more < 0 || spool_zeros(r, size - done) < 0)
		return -1;
	digest_final(r->digest, f->e.digest);
	end_chunks(r, &f->e);
	return 0;
}

/*
 * The name as the manifest has it, in the arena: without "./" in front, and
 * without slashes at the end of a directory's.
 */
static const char *
clean_name(struct reading *r, const char *name, bool directory)
{
	size_t len;

	name = name ? name : "";
	while (name[0] == '.' && name[1] == '/') {
		name += 2;
		name += strspn(name, "/");
	}
	len = strlen(name);
	while (directory && len > 1 && name[len - 1] == '/')
		len--;
	/* What is longer is refused whatever it is. */
	if (len > PATH_MOST + 1)
		len = PATH_MOST + 1;
	return arena_strndup(&r->members.arena, name, len);
}

/* The tree's own directory, "./". */
static bool
is_top(const char *path, bool directory)
{
	return directory && (!*path || !strcmp(path, "."));
}

static const char *
refuse_path(const char *path)
{
	if (*path == '/')
		return "an absolute path";
	return path_refuse(path, strlen(path));
}

/* Why a member of that kind cannot be in a tree, or NULL. */
static const char *
refuse_kind(const struct reading *r, struct archive_entry *e, mode_t type)
{
	bool set_id = archive_entry_perm(e) & (S_ISUID | S_ISGID);
	/* It is dropped with a directory's other bits, as the scan does. */
	bool carried = type == AE_IFREG || r->o->exact_modes;
	const char *target = archive_entry_symlink(e);

	switch (type) {
	case AE_IFDIR:
	case AE_IFREG:
		return set_id && carried ? "a set-user or set-group bit" : NULL;
	case AE_IFLNK:
		target = target ? target : "";
		return walk_refuse_target(target, strlen(target));
	case AE_IFIFO:
		return "a fifo";
	case AE_IFSOCK:
		return "a socket";
	case AE_IFCHR:
	case AE_IFBLK:
		return "a device";
	default:
		return "of a kind that is unknown";
	}
}

static mode_t
type_of(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	size_t len = name ? strlen(name) : 0;
	mode_t type = archive_entry_filetype(e);

	/* As the oldest tars note a directory. */
	return type == AE_IFREG && len && name[len - 1] == '/' ? AE_IFDIR :
								 type;
}

static void
fill_entry(struct reading *r, struct entry *e, struct archive_entry *from,
	mode_t type)
{
	const char *target = archive_entry_symlink(from);

	e->type = ENTRY_FILE;
	if (type == AE_IFLNK) {
		e->type = ENTRY_LINK;
		e->target = arena_strndup(&r->members.arena, target,
			strlen(target));
		return;
	}
	if (type == AE_IFDIR)
		e->type = ENTRY_DIRECTORY;
	else
		e->size = (uint64_t)archive_entry_size(from);
	e->mode = walk_mode(type | archive_entry_perm(from), r->o->exact_modes);
}

static int
add_member(struct reading *r, struct archive_entry *e, const char *path,
	mode_t type)
{
	struct member f = { .e = { .path = path } };
	const char *hard = archive_entry_hardlink(e);
	const char *why = hard ? NULL : refuse_kind(r, e, type);

	if (why) {
		refusals_add(&r->refusals, path, why);
		return 0;
	}
	if (hard)
		f.hard = clean_name(r, hard, false);
	else
		fill_entry(r, &f.e, e, type);
	if (f.e.type == ENTRY_FILE && spool_file(r, &f) < 0)
		return -1;
	members_add(&r->members, &f);
	return 0;
}

static int
take_member(struct reading *r, struct archive_entry *e)
{
	mode_t type = type_of(e);
	bool directory = type == AE_IFDIR && !archive_entry_hardlink(e);
	const char *path = clean_name(r, archive_entry_pathname(e), directory);
	const char *why;

	if (tick(r, MEMBER_BYTES) < 0)
		return -1;
	if (is_top(path, directory) || rules_leave_out(path, directory))
		return 0;
	why = refuse_path(path);
	if (!why)
		return add_member(r, e, path, type);
	refusals_add(&r->refusals, path, why);
	return 0;
}

static int
read_members(struct reading *r, char **commit)
{
	struct archive_entry *e;
	int more;

	while ((more = tarball_next(r->tar, &e, r->err)) > 0)
		if (take_member(r, e) < 0)
			return -1;
	if (more == 0)
		*commit = tarball_commit(r->tar);
	return more;
}

static void
note_files(struct reading *r)
{
	const struct source *s = r->s;
	size_t i;

	for (i = 0; i < r->m->n; i++) {
		const struct entry *e = &r->m->v[i];

		if (e->type != ENTRY_FILE)
			continue;
		walk_note_marker(r->result, e->path);
		if (secrets_look_like_at(s->spool, s->offsets[i], e->size,
			    path_leaf(e->path)))
			strv_add(&r->result->secrets, e->path);
	}
	manifest_count(r->m, &r->result->files, &r->result->bytes);
	r->result->hashed = r->spooled;
}

static int
enter_members(struct reading *r)
{
	if (members_enter(&r->members, r->m, &r->s->offsets, &r->refusals,
		    r->err) < 0)
		return error_prefix(r->err, "%s: ", tarball_name(r->tar));
	if (refusals_report(&r->refusals, r->err) < 0)
		return error_hint(r->err,
			"make the archive without it (tar has --exclude)");
	manifest_finish(r->m);
	note_files(r);
	return 0;
}

int
source_archive(struct source *s, const struct source_options *o,
	struct manifest *m, struct scan_result *result, char **commit,
	struct error *err)
{
	struct reading r = {
		.o = o, .s = s, .m = m, .result = result, .err = err
	};
	int rc = -1;

	source_directory(s, -1, o->exact_modes);
	memset(result, 0, sizeof(*result));
	*commit = NULL;
	r.digest = digest_new();
	chunker_init(&r.chunker);
	r.tar = tarball_open(o->name, look_up, &r, err);
	if (!r.tar || open_spool(&r) < 0 || read_members(&r, commit) < 0 ||
		enter_members(&r) < 0)
		goto out;
	rc = 0;
out:
	if (rc < 0) {
		free(*commit);
		*commit = NULL;
	}
	tarball_close(r.tar);
	refusals_release(&r.refusals);
	digest_free(r.digest);
	chunker_release(&r.chunker);
	members_release(&r.members);
	return rc;
}
