#include "server/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "server/account.h"
#include "server/keyfile.h"

static const char conf_text[] =
	"# What deployd does for this account: see deployd.conf(5).\n"
	"# Each line shows the default; take the `#' away to change it.\n"
	"\n"
	"[deployd]\n"
	"# Where the apps are.\n"
	"#root = ~/apps\n"
	"# How many releases that went live are kept.\n"
	"#keep = 5\n"
	"# Permissions that nothing in a release gets.\n"
	"#umask = 022\n"
	"# What is refused; 0 is no limit.\n"
	"#max_files = 1000000\n"
	"#max_bytes = 100G\n"
	"#max_file_size = 50G\n"
	"#max_sessions = 20\n"
	"\n"
	"# Whose commands run for an app: tree (those of its deploy.conf),\n"
	"# server (those here) or none.\n"
	"#[app \"blog\"]\n"
	"#hooks = server\n"
	"#restart = systemctl --user restart blog\n";

static void say(const char *state, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
say(const char *state, const char *step, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	char *safe;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	safe = escape_dup(buf_str(&text));
	printf("%s %s %s\n", state, step, safe);
	free(safe);
	buf_release(&text);
}

/* Each directory of an absolute path that is missing. */
static int
make_directories(const char *path, mode_t mode, struct error *err)
{
	char *copy = mem_strdup(path), *slash = copy;
	int rc = 0;

	while (rc == 0 && slash) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			rc = error_errno(err, "cannot make %s", copy);
		if (slash)
			*slash = '/';
	}
	free(copy);
	return rc;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
make_root(const struct config *c, struct error *err)
{
	bool there = is_directory(c->root);

	if (!there && make_directories(c->root, 0755, err) < 0) {
		err->status = STATUS_REFUSED;
		return error_hint(err,
			"`root' in deployd.conf says where the apps are");
	}
	if (access(c->root, W_OK | X_OK) < 0) {
		error_errno(err, "%s, where the apps are", c->root);
		err->status = STATUS_REFUSED;
		return -1;
	}
	say(there ? "same" : "done", "root", "%s %s, where apps go",
		there ? "there is" : "made", c->root);
	return 0;
}

static int
write_conf(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || io_write_full(fd, conf_text, strlen(conf_text)) < 0) {
		error_errno(err, "cannot write %s", path);
		if (fd >= 0)
			(void)unlink(path);
		io_close(&fd);
		return -1;
	}
	io_close(&fd);
	return 0;
}

static int
make_conf(struct error *err)
{
	char *path = config_user_file(), *dir;
	int rc = 0;

	if (access(path, F_OK) == 0) {
		say("same", "conf", "there is %s", path);
	} else {
		dir = mem_strndup(path, (size_t)(path_leaf(path) - path) - 1);
		rc = make_directories(dir, 0755, err);
		free(dir);
		if (rc == 0)
			rc = write_conf(path, err);
		if (rc == 0)
			say("done", "conf", "wrote %s, all of it comments",
				path);
	}
	free(path);
	return rc;
}

/* So that units of the account run without it being logged in. */
static void
enable_linger(void)
{
	const char *const argv[] = { "loginctl", "--no-ask-password",
		"enable-linger", NULL };
	struct error ignored = ERROR_INIT;
	struct buf out = BUF_INIT;
	const char *name = account_name();

	if (!account_has_units())
		say("same", "linger",
			"no systemd with units of users here: none is needed");
	else if (account_lingers(name))
		say("same", "linger", "units of %s run all the time", name);
	else if (process_output(argv, NULL, -1, 4096, &out, &ignored) == 0 &&
		account_lingers(name))
		say("done", "linger",
			"units of %s run all the time from now on", name);
	else
		say("todo", "linger",
			"for `systemctl --user' units an admin has to run: "
			"loginctl enable-linger %s",
			name);
	buf_release(&out);
}

/* A web server that serves an app's files goes through the home directory. */
static void
look_at_home(void)
{
	const char *home = config_home();
	struct stat st;

	if (stat(home, &st) < 0 || st.st_mode & S_IXOTH)
		return;
	say("todo", "home",
		"%s has mode %03o: a web server that serves files of an app "
		"cannot reach them before: chmod o+x %s",
		home, (unsigned)(st.st_mode & 0777), home);
}

static void
list_keys(void)
{
	struct error ignored = ERROR_INIT;
	struct keyfile f;
	size_t i, n = 0;

	keyfile_init(&f);
	if (keyfile_open(&f, false, &ignored) == 0) {
		for (i = 0; i < f.n; i++) {
			struct authorized_limits l;

			if (!f.v[i].is_key)
				continue;
			authorized_limits_parse(&l, f.v[i].key.options);
			n += l.serves;
			authorized_limits_release(&l);
		}
		if (n)
			say("same", "keys", "%zu line%s for deployd in %s", n,
				n == 1 ? "" : "s", f.path);
	}
	keyfile_release(&f);
}

static void
list(const struct config *c)
{
	char *conf = config_user_file();

	if (is_directory(c->root))
		say("same", "root", "%s, with the apps", c->root);
	if (access(conf, F_OK) == 0)
		say("same", "conf", "%s", conf);
	if (account_lingers(account_name()))
		say("same", "linger", "units of %s run all the time",
			account_name());
	list_keys();
	free(conf);
}

int
setup_run(const struct config *c, bool only_list)
{
	struct error err = ERROR_INIT;
	int rc = 0;

	umask(022);
	if (only_list) {
		list(c);
		return STATUS_OK;
	}
	if (config_check_home(&err) < 0 || make_root(c, &err) < 0 ||
		make_conf(&err) < 0)
		rc = -1;
	if (rc == 0) {
		enable_linger();
		look_at_home();
	}
	if (rc < 0)
		log_error("deployd", &err);
	return rc < 0 ? (int)err.status : STATUS_OK;
}
