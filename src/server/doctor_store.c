/* The root of apps and what is kept of each: who else can change it. */
#include "server/doctor_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "server/exposed.h"
#include "server/hooks.h"
#include "server/store.h"

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
	struct buf how = BUF_INIT;
	struct stat st;

	if (is_read_only(root))
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s is on a read-only file system: its kernel's log "
			"may say why",
			d->c->root);
	if ((fstat(root, &st) == 0 &&
		    exposed_stat(d->c->root, &st, true, &how)) ||
		exposed_path(d->c->root, &how))
		doctor_say(d, DOCTOR_FAULT, "root", "%s", how.data);
	else
		doctor_say(d, DOCTOR_OK, "root",
			"%s is this account's, and no other writes there",
			d->c->root);
	buf_release(&how);
}

/* Whether it can be made, where something above it is. */
static bool
can_be_made(char *path)
{
	char *slash;

	do {
		slash = strrchr(path, '/');
		if (!slash)
			return false;
		*slash = '\0';
	} while (access(*path ? path : "/", F_OK) < 0 && errno == ENOENT);
	return access(*path ? path : "/", W_OK | X_OK) == 0;
}

static void
say_no_root(struct doctor *d)
{
	int why = errno;
	char *path = mem_strdup(d->c->root);

	if (why == ENOENT && can_be_made(path))
		doctor_say(d, DOCTOR_NOTE, "root",
			"%s is not there: the first deploy makes it, or "
			"`deployd setup'",
			d->c->root);
	else
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s: %s; let this account make it, or set root in "
			"deployd.conf",
			d->c->root, strerror(why));
	free(path);
}

/* One thing of an app. */
struct thing {
	struct doctor *d;
	const char *app;
	int dir; /* the app's */
};

static void
say_unseen(const struct thing *t, const char *path)
{
	doctor_say(t->d, DOCTOR_FAULT, "apps", "%s cannot be looked at: %s",
		path, strerror(errno));
}

/* name is below the app; "" is the app itself. */
static void
say_thing(struct thing *t, const char *name, mode_t type, bool secret)
{
	struct buf how = BUF_INIT;
	char *path = mem_printf("%s/%s%s%s", t->d->c->root, t->app,
		*name ? "/" : "", name);
	struct stat st;

	if (fstatat(t->dir, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			say_unseen(t, path);
		free(path);
		return;
	}
	if (type && (st.st_mode & S_IFMT) != type)
		buf_addf(&how, "%s is no directory: move it away", path);
	else if (!exposed_stat(path, &st, true, &how) && secret &&
		st.st_mode & 077)
		buf_addf(&how,
			"%s has mode %03o: others can get at it: "
			"chmod go= %s",
			path, (unsigned)st.st_mode & 07777, path);
	if (how.len)
		doctor_say(t->d, DOCTOR_FAULT, "apps", "%s", how.data);
	buf_release(&how);
	free(path);
}

/* What is in a directory of the app, itself; not what is below that. */
static void
say_inside(struct thing *t, const char *name)
{
	int fd = openat(t->dir, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *leaf;
	int rc = -1;

	while (dir && (rc = io_next_name(dir, &leaf)) > 0) {
		char *path = mem_printf("%s/%s", name, leaf);

		say_thing(t, path, 0, false);
		free(path);
	}
	/* Something else in its place is told already. */
	if (rc < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		char *path = mem_printf("%s/%s/%s", t->d->c->root, t->app,
			name);

		say_unseen(t, path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

static void
say_env(struct thing *t)
{
	const struct config *c = t->d->c;
	char *path = mem_printf("%s/%s", c->root, t->app);
	struct error why = ERROR_INIT;
	struct stat st;

	/* One that is a link is the admin's. */
	if (fstatat(t->dir, "env", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode))
		say_thing(t, "env", 0, true);
	if (config_hooks(c, t->app) == HOOKS_TREE &&
		hook_environment_check(t->dir, path, &why) < 0)
		doctor_say(t->d, DOCTOR_FAULT, "apps", "%s: %s", why.text,
			why.hint);
	free(path);
}

static void
say_app(struct doctor *d, int root, const char *app)
{
	struct thing t = { d, app, -1 };

	t.dir = openat(root, app,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t.dir < 0)
		return;
	say_thing(&t, "", S_IFDIR, false);
	say_thing(&t, "releases", S_IFDIR, false);
	say_inside(&t, "releases");
	say_thing(&t, ".deployd", S_IFDIR, true);
	say_inside(&t, ".deployd");
	say_inside(&t, ".deployd/records");
	say_env(&t);
	io_close(&t.dir);
}

static void
say_apps(struct doctor *d, int root)
{
	struct error err = ERROR_INIT;
	struct strv apps = STRV_INIT;
	unsigned faults = d->faults;
	size_t i;

	if (store_apps(d->c->root, &apps, &err) < 0)
		doctor_say(d, DOCTOR_FAULT, "apps", "%s", err.text);
	for (i = 0; i < apps.n; i++)
		say_app(d, root, apps.v[i]);
	if (d->faults == faults)
		doctor_say(d, DOCTOR_OK, "apps",
			"%zu; what deployd keeps of them is its own", apps.n);
	strv_release(&apps);
}

/* What all is wrong with, for root, is right for whose it is. */
static bool
say_others(struct doctor *d, int root)
{
	struct passwd *pw;
	struct stat st;

	if (geteuid() != 0 || fstat(root, &st) < 0 || st.st_uid == 0)
		return false;
	pw = getpwuid(st.st_uid);
	if (pw)
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s belongs to %s: look at it as that account: "
			"sudo -H -u %s deployd doctor",
			d->c->root, pw->pw_name, pw->pw_name);
	else
		doctor_say(d, DOCTOR_FAULT, "root",
			"%s belongs to uid %ld, of no account", d->c->root,
			(long)st.st_uid);
	return true;
}

int
doctor_store(struct doctor *d)
{
	int root = open(d->c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0) {
		say_no_root(d);
		return -1;
	}
	if (!say_others(d, root)) {
		say_root(d, root);
		say_apps(d, root);
	}
	return root;
}
