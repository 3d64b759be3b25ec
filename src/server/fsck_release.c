/* A release against its manifest. */
#include "server/fsck_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/path.h"
#include "server/built.h"
#include "server/stage.h"

/* One release, and its shared paths at which something else is. */
struct subject {
	struct fsck *f;
	const char *id;
	int dir;
	struct strv apart;
};

static bool
link_to_shared(const struct subject *x, const char *name)
{
	char *target = stage_shared_target(name);
	struct beneath b;
	const char *leaf;
	int dir;
	bool done;

	beneath_init(&b, x->dir);
	dir = beneath_at(&b, name, &leaf);
	done = dir >= 0 && symlinkat(target, dir, leaf) == 0;
	beneath_release(&b);
	free(target);
	return done;
}

/* What is there may be the app's, and has no other copy. */
static void
tell_link(struct subject *x, const char *name, enum verify_how how)
{
	bool missing = how == VERIFY_MISSING, dry_run = x->f->o->dry_run;
	bool made = missing && !dry_run && link_to_shared(x, name);
	char *path = mem_printf("releases/%s/%s", x->id, name);
	char *advice = mem_printf("move what is there to shared/%s, then "
				  "deployd fsck again",
		name);
	const struct fsck_fault fault = { path,
		missing ? "missing" : "is no link to shared/",
		"linked to shared/",
		missing ? "deploy its tree again" : advice };

	fsck_tell(x->f, &fault, made || (missing && dry_run));
	/* The tree's own is not made there. */
	if (!made)
		strv_add(&x->apart, name);
	free(advice);
	free(path);
}

static int
tell_shared(void *arg, const char *name, enum verify_how how)
{
	struct subject *x = arg;
	char *path = mem_printf("shared/%s", name);
	const struct fsck_fault gone = { path, "missing", NULL,
		"bring it back from a backup, or make it" };

	if (how != VERIFY_SHARED)
		tell_link(x, name, how);
	else if (!strcmp(x->id, x->f->live))
		fsck_tell(x->f, &gone, false);
	free(path);
	return 0;
}

/* What is wrong with its tree. */
struct found {
	const struct strv *apart;
	int dir;
	struct damage *v;
	size_t n, cap;
};

static int
note_damage(void *arg, const struct entry *e, enum verify_how how)
{
	struct found *d = arg;
	struct stat st;
	size_t i;

	for (i = 0; i < d->apart->n; i++)
		if (path_below(e->path, d->apart->v[i]))
			return 0;
	MEM_GROW(d->v, d->n, d->cap);
	if (how != VERIFY_TYPE || beneath_stat(d->dir, e->path, &st) < 0)
		st.st_mode = 0;
	d->v[d->n++] = (struct damage){ .e = e, .how = how, .is = st.st_mode };
	return 0;
}

/* What no index may vouch for any more. */
static bool
is_of_content(const struct damage *d)
{
	return d->how == VERIFY_CONTENT || d->how == VERIFY_UNREADABLE ||
		d->how == VERIFY_TYPE;
}

static void
distrust(struct fsck *f, const char *id, const struct found *d)
{
	char name[64];
	size_t i;

	for (i = 0; i < d->n && !is_of_content(&d->v[i]); i++)
		;
	if (i == d->n || f->o->dry_run)
		return;
	snprintf(name, sizeof(name), "records/%s.index", id);
	(void)beneath_unlink(f->s->own, name);
}

static void
tell_all(struct fsck *f, const char *id, struct found *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		fsck_tell_damage(f, id, &d->v[i]);
		free(d->v[i].from);
	}
}

static int
check_tree(struct subject *x, const struct record *r, const struct manifest *m)
{
	struct fsck *f = x->f;
	const struct verify_options o = { .umask = (mode_t)r->umask,
		.busy = f->o->busy };
	struct found d = { &x->apart, x->dir, NULL, 0, 0 };
	uint64_t files, bytes;
	int rc = verify_tree(x->dir, m, &o, note_damage, &d, f->err);

	manifest_count(m, &files, &bytes);
	f->sum->files += files;
	if (rc == 0 && d.n) {
		distrust(f, r->id, &d);
		rc = fsck_mend(f, r, x->dir, d.v, d.n);
		tell_all(f, r->id, &d);
	}
	free(d.v);
	return rc;
}

/* What a build changed cannot be told from damage any more. */
static int
load_without_build(struct fsck *f, const struct record *r, struct manifest *m,
	struct error *why)
{
	char path[80];
	const struct fsck_fault fault = { path, "damaged", "removed",
		"remove it by hand" };
	struct stat st;

	snprintf(path, sizeof(path), ".deployd/records/%s.built", r->id);
	if (beneath_stat(f->s->own, path + strlen(".deployd/"), &st) < 0)
		return -1;
	manifest_release(m);
	if (store_load_manifest(f->s, r->manifest, m, why) < 0)
		return -1;
	fsck_tell(f, &fault,
		f->o->dry_run ||
			beneath_unlink(f->s->own, path + strlen(".deployd/")) ==
				0);
	return 0;
}

static bool
has_id(const struct manifest *m, const struct record *r)
{
	char hex[DIGEST_HEX + 1];

	digest_to_hex(m->id, hex);
	return !strcmp(hex, r->tree);
}

/* Whether the manifest, which a build may have changed in m, is its. */
static bool
is_tree(const struct fsck *f, const struct record *r, const struct manifest *m)
{
	struct error ignored = ERROR_INIT;
	struct manifest deployed = MANIFEST_INIT;
	bool is = has_id(m, r);

	if (!is)
		is = store_load_manifest(f->s, r->manifest, &deployed,
			     &ignored) == 0 &&
			has_id(&deployed, r);
	manifest_release(&deployed);
	return is;
}

/* 0 with what it should hold; 1: that is not known. */
static int
load_tree(struct fsck *f, const struct record *r, struct manifest *m)
{
	const char *advice = strcmp(r->id, f->live) ?
		"it can be gone back to, but not verified" :
		"deploy its tree again, with --rebuild";
	struct error why = ERROR_INIT;
	char how[1024];

	if (built_load(f->s, r, m, &why) < 0 &&
		load_without_build(f, r, m, &why) < 0)
		snprintf(how, sizeof(how), "its manifest is lost: %.900s",
			why.text);
	else if (!fsck_is_its_tree(r))
		return 1; /* that is told already */
	else if (!is_tree(f, r, m))
		snprintf(how, sizeof(how),
			"its manifest is that of another tree: %.64s",
			r->manifest);
	else
		return 0;
	fsck_tell_release(f, r->id, how, advice);
	return 1;
}

static int
check_release(struct subject *x, const struct record *r)
{
	struct manifest m = MANIFEST_INIT;
	struct error ignored = ERROR_INIT;
	int rc = 0;

	if (load_tree(x->f, r, &m) == 0) {
		/* What is wrong with its settings is told already. */
		(void)verify_shared(x->f->s, x->id, x->dir, NULL, tell_shared,
			x, &ignored);
		rc = check_tree(x, r, &m);
	}
	manifest_release(&m);
	return rc;
}

/* One that is closed to its owner is opened. */
static void
let_open(struct fsck *f, const struct record *r)
{
	char path[64], how[64];
	const struct fsck_fault fault = { path, how, "its mode is set",
		"chmod u+rwx it" };
	mode_t mode = 0755 & ~(mode_t)r->umask;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "releases/%s", r->id);
	if (beneath_stat(f->s->dir, path, &st) < 0 || !S_ISDIR(st.st_mode) ||
		(st.st_mode & 0700) == 0700)
		return;
	snprintf(how, sizeof(how), "mode %03o, not %03o",
		(unsigned)st.st_mode & 07777, (unsigned)mode);
	fd = openat(f->s->dir, "releases",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fsck_tell(f, &fault,
		f->o->dry_run ||
			(fd >= 0 && io_chmod_at(fd, r->id, mode) == 0));
	io_close(&fd);
}

static int
open_release(struct fsck *f, const struct record *r)
{
	char path[64], how[128];
	struct fsck_fault fault = { path, how, NULL, "see the kernel's log" };
	int fd;

	let_open(f, r);
	snprintf(path, sizeof(path), "releases/%s", r->id);
	fd = beneath_open(f->s->dir, path, O_RDONLY | O_DIRECTORY, 0);
	/* In a dry run that is told already. */
	if (fd >= 0 || (errno == EACCES && f->o->dry_run))
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		fault.advice = "remove it by hand";
	snprintf(how, sizeof(how), "cannot be opened: %s", strerror(errno));
	fsck_tell(f, &fault, false);
	return -1;
}

int
fsck_release(struct fsck *f, const char *id)
{
	struct subject x = { f, id, -1, STRV_INIT };
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };
	int rc = 0;

	/* What is wrong with its record is told already. */
	if (record_load(f->s, id, &r, &ignored) < 0)
		return 0;
	x.dir = open_release(f, &r);
	if (x.dir >= 0)
		rc = check_release(&x, &r);
	strv_release(&x.apart);
	record_release(&r);
	io_close(&x.dir);
	return rc;
}
