#include "server/push_checks.h"

#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/path.h"
#include "server/copy.h"

/* Records, log and manifest of a release, and their temporaries. */
#define INODES_OWN 16
/* One of so many is left free. */
#define INODES_SPARED 100

int
check_expected(const struct msg_push *ask, const struct record *live,
	struct error *err)
{
	const char *is = live->id ? live->id : "nothing";

	if (!ask->expect || !strcmp(ask->expect, is))
		return 0;
	error_status(err, STATUS_REFUSED, "%s is live, not %s", is,
		ask->expect);
	return error_hint(err,
		"see what was deployed meanwhile: "
		"deploy releases");
}

static int
over(struct error *err, const char *what, uint64_t is, uint64_t most,
	const char *key)
{
	error_status(err, STATUS_REFUSED,
		"the tree has %" PRIu64 " %s; this server takes %" PRIu64, is,
		what, most);
	return error_hint(err,
		"raise %s in deployd.conf, or leave files out "
		"with .deployignore",
		key);
}

int
check_limits(const struct config *c, const struct msg_push *ask,
	struct error *err)
{
	if (c->max_files && ask->files > c->max_files)
		return over(err, "files", ask->files, c->max_files,
			"max_files");
	if (c->max_bytes && ask->bytes > c->max_bytes)
		return over(err, "bytes", ask->bytes, c->max_bytes,
			"max_bytes");
	if (c->max_entries && ask->entries > c->max_entries)
		return over(err, "entries", ask->entries, c->max_entries,
			"max_entries");
	return 0;
}

static int
hint_entry(struct error *err)
{
	return error_hint(err,
		"raise it there, or leave this out with .deployignore");
}

int
check_entry(const struct config *c, const struct entry *e, struct error *err)
{
	if (c->max_file_size && e->type == ENTRY_FILE &&
		e->size > c->max_file_size) {
		error_status(err, STATUS_REFUSED,
			"%s has %" PRIu64 " bytes; max_file_size in "
			"deployd.conf is %" PRIu64,
			e->path, e->size, c->max_file_size);
		return hint_entry(err);
	}
	if (c->max_path && strlen(e->path) > c->max_path) {
		error_status(err, STATUS_REFUSED,
			"%s is longer than max_path in deployd.conf, "
			"%" PRIu64 " bytes",
			e->path, c->max_path);
		return hint_entry(err);
	}
	return 0;
}

int
check_manifest(const struct config *c, const struct manifest *m,
	struct error *err)
{
	uint64_t files, bytes;
	size_t i;

	manifest_count(m, &files, &bytes);
	if (c->max_files && files > c->max_files)
		return over(err, "files", files, c->max_files, "max_files");
	if (c->max_bytes && bytes > c->max_bytes)
		return over(err, "bytes", bytes, c->max_bytes, "max_bytes");
	for (i = 0; i < m->n; i++)
		if (check_entry(c, &m->v[i], err) < 0)
			return -1;
	return 0;
}

/* A guard that stops, or with --force is only recorded. */
static int
guard(const struct store *s, const struct msg_push *ask, const char *who,
	struct error *err)
{
	struct error forced = *err;

	if (!ask->force) {
		if (!err->hint[0])
			error_hint(err, "deploy it all the same with --force");
		return -1;
	}
	return history_append(s, "forced", "", "", who, forced.text, err);
}

/* What is live and well is never held, whatever its namesakes are. */
static bool
is_live(const struct msg_push *ask, const struct record *live)
{
	return live->id && !live->held && !strcmp(live->tree, ask->tree) &&
		!strcmp(live->settings, ask->settings);
}

static int
check_held(const struct store *s, const struct msg_push *ask,
	const struct record *live, const char *who, struct error *err)
{
	char id[RELEASE_ID_LEN + 1];

	if (is_live(ask, live))
		return 0;
	if (record_held(s, ask->tree, ask->settings, id, err) < 0) {
		error_prefix(err, "cannot tell whether this tree is held: ");
		return guard(s, ask, who, err);
	}
	if (!*id)
		return 0;
	error_status(err, STATUS_REFUSED,
		"this tree is held: it is that of %s, which was rolled back",
		id);
	error_hint(err,
		"see why with `deploy log` and `deploy releases`; "
		"deploy it all the same with --force");
	return guard(s, ask, who, err);
}

int
check_guards(const struct store *s, const struct msg_push *ask,
	const struct record *live, const char *who, struct error *err)
{
	if (check_held(s, ask, live, who, err) < 0)
		return -1;
	if (ask->files == 0) {
		error_status(err, STATUS_REFUSED, "the tree is empty");
		if (guard(s, ask, who, err) < 0)
			return -1;
	} else if (live->id && ask->files < (live->files + 9) / 10) {
		error_status(err, STATUS_REFUSED,
			"suspicious: the tree has %" PRIu64
			" files, what is live has %" PRIu64,
			ask->files, live->files);
		if (guard(s, ask, who, err) < 0)
			return -1;
	}
	if (live->id && live->hooks && !ask->hooks) {
		error_status(err, STATUS_REFUSED,
			"suspicious: there are no hooks, what is live has %" PRIu64
			"; is deploy.conf missing?",
			live->hooks);
		return guard(s, ask, who, err);
	}
	return 0;
}

static int
hint_space(const struct store *s, bool reserve, struct error *err)
{
	return error_hint(err,
		"free some on the server: deployd prune %s; what takes room: "
		"deployd status %s%s",
		s->app, s->app,
		reserve ? "; or lower reserve in deployd.conf" : "");
}

static bool
leaves(uint64_t reserve, uint64_t there, uint64_t need)
{
	return need <= there && reserve <= there - need;
}

static int
check_bytes(const struct store *s, const struct statvfs *v,
	const struct space *n, uint64_t reserve, struct error *err)
{
	uint64_t free_bytes = (uint64_t)v->f_bavail * v->f_frsize;
	uint64_t there = free_bytes + n->gain.bytes;
	uint64_t need = n->upload + n->copies;

	if (n->copies && !leaves(reserve, there, need) &&
		copy_can_clone(s->own))
		need = n->upload;
	if (leaves(reserve, there, need))
		return 0;
	error_status(err, STATUS_REFUSED,
		"no space: the release needs %" PRIu64 " bytes and %" PRIu64
		" in reserve, %" PRIu64 " are free",
		need, reserve, free_bytes);
	return hint_space(s, reserve, err);
}

uint64_t
check_inodes_spared(const struct statvfs *v)
{
	return v->f_files / INODES_SPARED + INODES_OWN;
}

/* Some file systems make inodes as they need them, and count none. */
static int
check_inodes(const struct store *s, const struct statvfs *v,
	const struct space *n, struct error *err)
{
	uint64_t reserve = n->upload ? v->f_files / INODES_SPARED : 0;
	uint64_t need = n->makes + INODES_OWN;

	if (!v->f_files ||
		leaves(reserve, (uint64_t)v->f_favail + n->gain.inodes, need))
		return 0;
	error_status(err, STATUS_REFUSED,
		"no space: the release needs %" PRIu64 " inodes and %" PRIu64
		" in reserve, %" PRIu64 " are free (df -i)",
		need, reserve, (uint64_t)v->f_favail);
	return hint_space(s, false, err);
}

int
check_space(const struct store *s, const struct space *need, uint64_t reserve,
	struct error *err)
{
	struct statvfs v;

	if (fstatvfs(s->own, &v) < 0)
		return 0; /* then the write will tell */
	if (check_bytes(s, &v, need, need->upload ? reserve : 0, err) < 0)
		return -1;
	return check_inodes(s, &v, need, err);
}
