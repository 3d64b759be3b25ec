/* Where the apps are: whose it is, what may be relied on, how much is left. */
#include "server/doctor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "server/store.h"

/* Fewer of them are soon used up. */
#define INODES_LEAST 10000
#define MEGABYTE 1000000

static bool
written_by_others(const struct stat *st)
{
	return st->st_mode & (S_IWGRP | S_IWOTH) && !(st->st_mode & S_ISVTX);
}

/* Whether somebody else could put another directory in its place. */
static bool
is_exposed(const char *path, struct buf *how)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		buf_addf(how, "%s belongs to another account", path);
	else if (written_by_others(&st))
		buf_addf(how, "others may write in %s: chmod go-w %s", path,
			path);
	return how->len > 0;
}

/* As a disk becomes that fails. */
static bool
is_read_only(int root)
{
	struct statvfs v;

	return fstatvfs(root, &v) == 0 && v.f_flag & ST_RDONLY;
}

/* The root itself and all that is above it. */
static void
say_root(struct doctor *d, int root)
{
	char real[PATH_MAX], *slash;
	struct buf how = BUF_INIT;
	struct stat st;

	if (fstat(root, &st) == 0 && st.st_uid != geteuid())
		buf_addf(&how, "%s belongs to another account", d->c->root);
	if (!how.len && realpath(d->c->root, real))
		while (!is_exposed(*real ? real : "/", &how) && *real) {
			slash = strrchr(real, '/');
			*slash = '\0';
		}
	if (how.len)
		doctor_say(d, DOCTOR_FAULT, "root", "%s", how.data);
	else
		doctor_say(d, DOCTOR_OK, "root",
			"%s is this account's, and no other writes there",
			d->c->root);
	buf_release(&how);
}

/* What of an app is to be seen by nobody else. */
static bool
is_open(int root, const char *app, const char *name, unsigned *mode)
{
	char path[NAME_MAX + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", app, name);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		S_ISLNK(st.st_mode))
		return false;
	*mode = st.st_mode & 07777;
	return st.st_uid != geteuid() || st.st_mode & 077;
}

static void
say_apps(struct doctor *d, int root)
{
	static const char *const own[] = { ".deployd", "env" };
	struct error err = ERROR_INIT;
	struct strv apps = STRV_INIT;
	unsigned faults = d->faults, mode;
	size_t i, n;

	if (store_apps(d->c->root, &apps, &err) < 0)
		doctor_say(d, DOCTOR_FAULT, "apps", "%s", err.text);
	for (i = 0; i < apps.n; i++)
		for (n = 0; n < 2; n++)
			if (is_open(root, apps.v[i], own[n], &mode))
				doctor_say(d, DOCTOR_FAULT, "apps",
					"%s/%s/%s has mode %03o: others can "
					"get at it: chmod go= it",
					d->c->root, apps.v[i], own[n], mode);
	if (d->faults == faults)
		doctor_say(d, DOCTOR_OK, "apps",
			"%zu; what deployd keeps of them is its own", apps.n);
	strv_release(&apps);
}

static void
say_durability(struct doctor *d)
{
	if (d->c->relaxed)
		doctor_say(d, DOCTOR_NOTE, "durability",
			"relaxed: a power cut may lose the last deploys");
	else
		doctor_say(d, DOCTOR_OK, "durability",
			"full: what is answered is on disk");
}

/* Clones one block. */
static int
try_clone(int root)
{
	const char block[4096] = "";
	int from = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int to = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int rc = -1, saved;

	if (from >= 0 && to >= 0 &&
		io_write_full(from, block, sizeof(block)) == 0)
		rc = ioctl(to, FICLONE, from);
	saved = errno;
	io_close(&from);
	io_close(&to);
	errno = saved;
	return rc;
}

static void
say_reflink(struct doctor *d, int root)
{
	if (try_clone(root) == 0)
		doctor_say(d, DOCTOR_OK, "reflink",
			"the file system clones files: copies take no room");
	else
		doctor_say(d, DOCTOR_NOTE, "reflink",
			"the file system clones no files: releases share "
			"nothing on disk");
}

static void
say_room(struct doctor *d, int root)
{
	struct statvfs v;
	uint64_t bytes;

	if (fstatvfs(root, &v) < 0) {
		doctor_say(d, DOCTOR_FAULT, "room", "%s", strerror(errno));
		return;
	}
	bytes = (uint64_t)v.f_bavail * v.f_frsize;
	doctor_say(d, bytes < d->c->reserve ? DOCTOR_FAULT : DOCTOR_OK, "room",
		"%" PRIu64 " MB free, of which uploads leave %" PRIu64 " MB%s",
		bytes / MEGABYTE, d->c->reserve / MEGABYTE,
		bytes < d->c->reserve ? ": none is accepted" : "");
	/* Some file systems have no such bound. */
	if (v.f_files)
		doctor_say(d,
			v.f_favail < INODES_LEAST ? DOCTOR_FAULT : DOCTOR_OK,
			"inodes", "%" PRIu64 " free", (uint64_t)v.f_favail);
}

void
doctor_disk(struct doctor *d)
{
	int root = open(d->c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	say_durability(d);
	if (root < 0) {
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s: %s; `deployd setup' makes it", d->c->root,
			strerror(errno));
		return;
	}
	if (is_read_only(root))
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s is on a read-only file system: its kernel's log "
			"may say why",
			d->c->root);
	say_root(d, root);
	say_apps(d, root);
	say_reflink(d, root);
	say_room(d, root);
	io_close(&root);
}
