/* Where the apps are: what may be relied on, how much is left. */
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
#include "server/push_checks.h"

#define MEGABYTE 1000000

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
say_inodes(struct doctor *d, const struct statvfs *v)
{
	uint64_t left = v->f_favail, spared = check_inodes_spared(v);
	bool few = left < spared;

	/* Some file systems have no such bound. */
	if (v->f_files)
		doctor_say(d, few ? DOCTOR_FAULT : DOCTOR_OK, "inodes",
			"%" PRIu64 " free, of which uploads leave %" PRIu64
			"%s",
			left, spared,
			few ? ": none is accepted; remove files (df -i)" : "");
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
		bytes < d->c->reserve ?
			": none is accepted; make room, or lower reserve in "
			"deployd.conf" :
			"");
	say_inodes(d, &v);
}

void
doctor_disk(struct doctor *d)
{
	int root;

	say_durability(d);
	root = doctor_store(d);
	if (root < 0)
		return;
	say_reflink(d, root);
	say_room(d, root);
	io_close(&root);
}
