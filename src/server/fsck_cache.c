/* What later deploys would take their files from: uploads, the spare; and
 * manifests. */
#include "server/fsck_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/parts.h"
#include "tree/hash.h"

/* Whether a file holds what its name, a SHA-256, says; -1 with err. */
static int
is_named_right(int dir, const char *name, struct error *err)
{
	uint8_t want[DIGEST_SIZE], found[DIGEST_SIZE];
	struct stat st;

	if (strlen(name) != DIGEST_HEX || digest_from_hex(name, want) < 0)
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return 0;
	if (hash_file(dir, name, &st, found, err) < 0)
		return error_set(err, "cannot be read: %s", strerror(errno));
	return !memcmp(want, found, DIGEST_SIZE);
}

static void
check_name(struct fsck *f, int dir, const char *leaf, const char *path,
	const struct strv *needed)
{
	struct error why = ERROR_INIT;
	const struct fsck_fault unread = { path, why.text, NULL,
		"see the kernel's log" };
	int right = is_named_right(dir, leaf, &why);

	if (right < 0)
		fsck_tell(f, &unread, false);
	else if (!right && !strv_has(needed, leaf))
		fsck_drop(f, dir, leaf, path);
}

/* A file that a deploy goes on with if it is what that sends. */
static bool
is_part(const char *where, const char *name)
{
	return !strcmp(where, "tmp") &&
		!strncmp(name, PARTS_PREFIX, strlen(PARTS_PREFIX));
}

/* Drops what is not named right and not needed. */
static int
check_names(struct fsck *f, const char *name, const struct strv *needed)
{
	int fd = openat(f->s->own, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char where[32], path[320];
	const char *leaf;
	int rc = 0;

	snprintf(where, sizeof(where), ".deployd/%s", name);
	while (rc == 0 && fsck_next_name(f, dir, where, &leaf)) {
		if (leaf[0] == '.' || is_part(name, leaf))
			continue;
		snprintf(path, sizeof(path), "%s/%s", where, leaf);
		check_name(f, fd, leaf, path, needed);
		rc = busy_turn(f->o->busy, f->err);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* Releases tell of the damage of theirs. */
static int
check_manifests(struct fsck *f)
{
	struct error ignored = ERROR_INIT;
	struct strv needed = STRV_INIT;
	size_t i;
	int rc;

	for (i = 0; i < f->releases.n; i++) {
		struct record r = { 0 };

		if (record_load(f->s, f->releases.v[i], &r, &ignored) == 0)
			strv_add(&needed, r.manifest);
		record_release(&r);
	}
	rc = check_names(f, "manifests", &needed);
	strv_release(&needed);
	return rc;
}

/* Whether next.index vouches for what is not so. */
static bool
is_vouched_wrongly(struct stat_index *x, struct beneath *at, const char *path)
{
	uint8_t said[DIGEST_SIZE], found[DIGEST_SIZE];
	struct error ignored = ERROR_INIT;
	const char *leaf;
	struct stat st;
	int dir = beneath_at(at, path, &leaf);

	if (dir < 0 || fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) || !index_get(x, path, &st, said))
		return false;
	return hash_file(dir, leaf, &st, found, &ignored) < 0 ||
		memcmp(said, found, DIGEST_SIZE) != 0;
}

static int
find_wrong(struct fsck *f, int next, char path[static PATH_MOST + 1])
{
	struct stat_index *x = index_load(f->s->own, "next.index");
	struct beneath at;
	int rc = 0, wrong = 0;
	size_t i;

	beneath_init(&at, next);
	for (i = 0; rc == 0 && !wrong && i < index_count(x); i++) {
		const char *name = index_path(x, i);

		if (!name || strlen(name) > PATH_MOST)
			break;
		memcpy(path, name, strlen(name) + 1);
		wrong = is_vouched_wrongly(x, &at, path);
		rc = busy_turn(f->o->busy, f->err);
	}
	beneath_release(&at);
	index_free(x);
	return rc < 0 ? -1 : wrong;
}

static void
drop_next(struct fsck *f, const char *wrong)
{
	char path[PATH_MOST + 32];
	const struct fsck_fault fault = { path, "content", "next/ is dropped",
		"remove .deployd/next by hand" };
	bool mended = f->o->dry_run || store_discard(f->s, "next", NULL) == 0;

	snprintf(path, sizeof(path), ".deployd/next/%s", wrong);
	fsck_tell(f, &fault, mended);
	if (f->o->dry_run)
		return;
	unlinkat(f->s->own, "next.index", 0);
	unlinkat(f->s->own, "next.spare", 0);
}

/* The next deploy believes what the index says, and reads the rest. */
static int
check_next(struct fsck *f)
{
	char path[PATH_MOST + 1];
	int next, rc;

	if (f->s->bypass)
		return 0;
	next = openat(f->s->own, "next",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return 0;
	rc = find_wrong(f, next, path);
	io_close(&next);
	if (rc > 0)
		drop_next(f, path);
	return rc < 0 ? -1 : 0;
}

int
fsck_cache(struct fsck *f)
{
	const struct strv none = STRV_INIT;

	return check_names(f, "tmp", &none) < 0 || check_next(f) < 0 ?
		-1 :
		check_manifests(f);
}
