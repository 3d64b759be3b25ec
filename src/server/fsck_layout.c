/* Directories, locks and what was left behind. */
#include "server/fsck_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "server/hooks.h"

#define CHMOD "chmod it, or remove it"

static const char *const locks[] = { "lock", "switch.lock", "next.lock",
	"env.lock" };

void
fsck_locks(struct fsck *f)
{
	const struct fsck_fault none = { NULL, "no file, so no lock", "removed",
		"remove it by hand" };
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++) {
		struct fsck_fault fault = none;
		struct stat st;

		if (fstatat(f->s->own, locks[i], &st, AT_SYMLINK_NOFOLLOW) <
				0 ||
			S_ISREG(st.st_mode))
			continue;
		snprintf(path, sizeof(path), ".deployd/%s", locks[i]);
		fault.path = path;
		fsck_tell(f, &fault,
			f->o->dry_run ||
				store_discard(f->s, locks[i], NULL) == 0);
	}
}

/*
 * The mode that it must have, of which the owner's bits are needed.  Who else
 * writes in shared/ is the app's matter.
 */
static void
check_mode(struct fsck *f, int at, const char *name, const char *path,
	const struct stat *st, mode_t mode)
{
	const mode_t closed = strcmp(path, "shared") ? 022 : 0;
	struct fsck_fault fault = { path, NULL, "its mode is set", CHMOD };
	char how[32];
	bool mended;

	/* Nobody else is to look into those of 0600 and 0700, or write. */
	if ((st->st_mode & mode) == mode &&
		!(st->st_mode & (mode & 077 ? closed : 077)))
		return;
	snprintf(how, sizeof(how), "mode %03o, not %03o",
		(unsigned)st->st_mode & 07777, (unsigned)mode);
	fault.how = how;
	mended = f->o->dry_run || io_chmod_at(at, name, mode) == 0;
	fsck_tell(f, &fault, mended);
}

static void
check_owner(struct fsck *f, const char *path, const struct stat *st)
{
	struct fsck_fault fault = { path, NULL, NULL,
		"chown it to the account of the app" };
	char how[64];

	if (st->st_uid == geteuid())
		return;
	snprintf(how, sizeof(how), "belongs to uid %ld", (long)st->st_uid);
	fault.how = how;
	fsck_tell(f, &fault, false);
}

static void
check_directory(struct fsck *f, int at, const char *name, const char *path,
	mode_t mode)
{
	const struct fsck_fault missing = { path, "missing", "made",
		"make it" };
	const struct fsck_fault other = { path, "is no directory", NULL,
		"move it away, then deployd fsck again" };
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		fsck_tell(f, &missing,
			errno == ENOENT &&
				(f->o->dry_run ||
					mkdirat(at, name, mode) == 0));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		fsck_tell(f, &other, false);
		return;
	}
	check_owner(f, path, &st);
	check_mode(f, at, name, path, &st, mode);
}

static void
check_env(struct fsck *f)
{
	struct error why = ERROR_INIT;
	const struct fsck_fault unfit = { "env", why.text, NULL, why.hint };
	struct stat st;

	/* One that is a link is the admin's. */
	if (fstatat(f->s->dir, "env", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode))
		check_mode(f, f->s->dir, "env", "env", &st, 0600);
	if (hook_environment_check(f->s->dir, f->s->path, &why) < 0)
		fsck_tell(f, &unfit, false);
}

static const char *const inner[] = { "records", "manifests", "logs", "tmp",
	"trash", "cache" };

static bool
is_inner(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(inner) / sizeof(*inner); i++)
		if (!strcmp(inner[i], name))
			return true;
	return false;
}

static void
check_writers(struct fsck *f, int at, const char *leaf, const char *path,
	const struct stat *st)
{
	const struct fsck_fault fault = { path, "others may write it",
		"closed to them", CHMOD };

	if (S_ISREG(st->st_mode) && st->st_mode & 022)
		fsck_tell(f, &fault,
			f->o->dry_run ||
				io_chmod_at(at, leaf,
					st->st_mode & 07777 & ~022u) == 0);
}

/* What deployd could not replace or remove, and what others could. */
static void
check_owners(struct fsck *f, const char *name)
{
	int fd = openat(f->s->own, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char where[32], path[300];
	const char *leaf;
	struct stat st;

	snprintf(where, sizeof(where), ".deployd%s%s",
		strcmp(name, ".") ? "/" : "", strcmp(name, ".") ? name : "");
	while (fsck_next_name(f, dir, where, &leaf)) {
		snprintf(path, sizeof(path), "%s/%s", where, leaf);
		if (leaf[0] == '.' || is_inner(leaf) ||
			fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		check_owner(f, path, &st);
		check_writers(f, fd, leaf, path, &st);
	}
	if (dir)
		closedir(dir);
}

void
fsck_layout(struct fsck *f)
{
	char path[64];
	struct stat st;
	size_t i;

	if (fstat(f->s->dir, &st) == 0)
		check_mode(f, f->s->root, f->s->app, ".", &st, 0755);
	if (fstat(f->s->own, &st) == 0)
		check_mode(f, f->s->dir, ".deployd", ".deployd", &st, 0700);
	check_directory(f, f->s->dir, "releases", "releases", 0755);
	check_directory(f, f->s->dir, "shared", "shared", 0755);
	for (i = 0; i < sizeof(inner) / sizeof(*inner); i++) {
		snprintf(path, sizeof(path), ".deployd/%s", inner[i]);
		check_directory(f, f->s->own, inner[i], path, 0700);
	}
	check_env(f);
	check_owners(f, ".");
	check_owners(f, "records");
	check_owners(f, "manifests");
	check_owners(f, "logs");
}

static bool
is_temporary(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".tmp");
}

/*
 * What replace_begin() had made when its process died: of the app's directory
 * only what begins with prefix can be.  Who prepares next/ may not have, and
 * those of the history go when it is written anew.
 */
static void
drop_temporaries(struct fsck *f, int at, const char *name, const char *prefix,
	const char *shown)
{
	int fd = openat(at, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *leaf;
	char path[320];

	while (fsck_next_name(f, dir, *shown ? shown : ".", &leaf)) {
		if (strncmp(leaf, prefix, strlen(prefix)) != 0 ||
			!is_temporary(leaf) || !strncmp(leaf, "history.", 8) ||
			(f->s->bypass && !strncmp(leaf, "next.", 5)))
			continue;
		snprintf(path, sizeof(path), "%s%s", shown, leaf);
		fsck_drop(f, fd, leaf, path);
	}
	if (dir)
		closedir(dir);
}

/* Whoever would use these holds a lock that we have. */
static void
drop_stage(struct fsck *f)
{
	static const char *const names[] = { "stage", "stage.index", "seed" };
	struct stat st;
	char path[32];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (fstatat(f->s->own, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		snprintf(path, sizeof(path), ".deployd/%s", names[i]);
		fsck_drop(f, f->s->own, names[i], path);
	}
}

/* An archive that remove was writing. */
static void
drop_archive(struct fsck *f)
{
	int fd = openat(f->s->root, ".removed",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[APP_MOST + 8], path[APP_MOST + 32];
	struct stat st;

	snprintf(name, sizeof(name), "%s.tmp", f->s->app);
	snprintf(path, sizeof(path), "../.removed/%s", name);
	if (fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		fsck_drop(f, fd, name, path);
	io_close(&fd);
}

static void
drop_apart(struct fsck *f)
{
	int fd = openat(f->s->own, "apart",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	char path[320];

	while (fsck_next_name(f, dir, ".deployd/apart", &name)) {
		snprintf(path, sizeof(path), ".deployd/apart/%s", name);
		fsck_drop(f, fd, name, path);
	}
	if (dir)
		closedir(dir);
}

void
fsck_leftovers(struct fsck *f)
{
	drop_temporaries(f, f->s->dir, ".", "current.", "");
	drop_temporaries(f, f->s->own, ".", "", ".deployd/");
	drop_temporaries(f, f->s->own, "records", "", ".deployd/records/");
	drop_temporaries(f, f->s->own, "manifests", "", ".deployd/manifests/");
	drop_archive(f);
	/* Its maker may be at it, or wait. */
	if (!f->s->bypass) {
		drop_stage(f);
		drop_apart(f);
	}
}
