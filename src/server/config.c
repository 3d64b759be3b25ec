#include "server/config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

static const struct settings_known known[] = {
	{ "deployd", false, "root", false },
	{ "deployd", false, "umask", false },
	{ "deployd", false, "keep", false },
	{ "deployd", false, "spare", false },
	{ "deployd", false, "durability", false },
	{ "deployd", false, "reserve", false },
	{ "deployd", false, "max_files", false },
	{ "deployd", false, "max_bytes", false },
	{ "deployd", false, "max_file_size", false },
	{ "deployd", false, "max_path", false },
	{ "deployd", false, "max_entries", false },
	{ "deployd", false, "max_manifest", false },
	{ "deployd", false, "max_sessions", false },
	{ "deployd", false, "request_timeout", false },
	{ "deployd", false, "stall_timeout", false },
	{ "deployd", false, "min_rate", false },
	{ "app", true, "hooks", false },
	{ "app", true, "build", true },
	{ "app", true, "migrate", true },
	{ "app", true, "restart", true },
	{ "app", true, "check", true },
	{ "app", true, "build_timeout", false },
	{ "app", true, "migrate_timeout", false },
	{ "app", true, "restart_timeout", false },
	{ "app", true, "check_timeout", false },
	{ "app", true, "unit", false },
	{ "app", true, "reload", false },
	{ "app", true, "confine", false },
	{ "app", true, "writable", true },
	{ NULL, false, NULL, false },
};

#define PATH_LIMIT PATH_MOST

static int
read_conf(struct config *c, int n, const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (io_read_file(AT_FDCWD, path, SETTINGS_MOST, &text, err) < 0) {
		buf_release(&text);
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	}
	rc = settings_parse(&c->files[n], path, buf_str(&text), text.len, err);
	buf_release(&text);
	return rc < 0 ? -1 : settings_check(&c->files[n], known, err);
}

const char *
config_home(void)
{
	const char *h = getenv("HOME");
	const struct passwd *pw;

	if (h && *h == '/')
		return h;
	pw = getpwuid(getuid());
	return pw ? pw->pw_dir : "/";
}

char *
config_user_file(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");

	if (xdg && *xdg == '/')
		return mem_printf("%s/deployd.conf", xdg);
	return mem_printf("%s/.config/deployd.conf", config_home());
}

int
config_not_ours(const char *path, struct error *err)
{
	error_status(err, STATUS_REFUSED, "%s belongs to another account",
		path);
	return error_hint(err,
		"run it as the account that is deployed to, with its HOME: "
		"sudo -H -u ACCOUNT deployd ...");
}

int
config_check_home(struct error *err)
{
	const char *home = config_home();
	struct stat st;

	if (stat(home, &st) < 0)
		return error_errno(err, "%s", home);
	return st.st_uid == geteuid() ? 0 : config_not_ours(home, err);
}

static int
read_files(struct config *c, struct error *err)
{
	const char *only = getenv("DEPLOYD_CONF");
	char *user;
	int rc;

	if (only && *only)
		return read_conf(c, 0, only, err);
	if (read_conf(c, 0, "/etc/deployd.conf", err) < 0)
		return -1;
	user = config_user_file();
	rc = read_conf(c, 1, user, err);
	free(user);
	return rc;
}

const struct setting *
config_get(const struct config *c, const char *section, const char *name,
	const char *key, const struct settings **file)
{
	int i;

	for (i = 1; i >= 0; i--) {
		const struct setting *e = settings_get(&c->files[i], section,
			name, key);

		*file = &c->files[i];
		if (e)
			return e;
	}
	return NULL;
}

static int
get_size(const struct config *c, const char *key, uint64_t *out,
	struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", key, &file);
	long long n;

	if (!e)
		return 0;
	if (settings_size(file, e, &n, err) < 0)
		return -1;
	*out = (uint64_t)n;
	return 0;
}

static int
get_seconds(const struct config *c, const char *key, long *out,
	struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", key, &file);

	return e ? settings_seconds(file, e, out, err) : 0;
}

static int
get_umask(struct config *c, struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", "umask", &file);
	char *end;
	unsigned long n;

	if (!e)
		return 0;
	n = strtoul(e->value, &end, 8);
	if (*end || end == e->value || n > 0777 || (n & 0700))
		return settings_error(file, e, err,
			"umask is an octal number such as 022 or 027");
	c->umask = (mode_t)n;
	return 0;
}

char *
config_expand(const char *path)
{
	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
		return mem_printf("%s%s", config_home(), path + 1);
	if (path[0] == '/')
		return mem_strdup(path);
	return mem_printf("%s/%s", config_home(), path);
}

static int
choose_root(struct config *c, const char *option, struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", "root", &file);
	const char *env = getenv("DEPLOYD_ROOT");

	if (e && !e->value[0])
		return settings_error(file, e, err, "root is a directory");
	if (option && !*option)
		return error_set(err, "--root is a directory");
	if (option)
		c->root = config_expand(option);
	else if (env && *env)
		c->root = config_expand(env);
	else
		c->root = config_expand(e ? e->value : "~/apps");
	return 0;
}

static int
get_durability(struct config *c, struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", "durability",
		&file);

	if (!e)
		return 0;
	c->relaxed = !strcmp(e->value, "relaxed");
	if (c->relaxed || !strcmp(e->value, "full"))
		return 0;
	return settings_error(file, e, err, "durability is full or relaxed");
}

static int
get_keep(struct config *c, struct error *err)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "deployd", "", "keep", &file);

	if (get_size(c, "keep", &c->keep, err) < 0)
		return -1;
	return c->keep ? 0 : settings_error(file, e, err, "keep is at least 1");
}

static const struct config defaults = {
	.umask = 022,
	.keep = 5,
	.spare = true,
	.reserve = 64ULL << 20,
	.max_files = 1000000,
	.max_entries = 2000000,
	.max_bytes = 100ULL << 30,
	.max_file_size = 50ULL << 30,
	.max_path = PATH_LIMIT,
	.max_manifest = 512ULL << 20,
	.max_sessions = 20,
	.request_timeout = 60,
	.stall_timeout = 300,
	.min_rate = 100,
};

/* What a client may take of the server. */
static int
get_limits(struct config *c, struct error *err)
{
	const struct {
		const char *key;
		uint64_t *value;
	} sizes[] = {
		{ "reserve", &c->reserve },
		{ "max_files", &c->max_files },
		{ "max_bytes", &c->max_bytes },
		{ "max_file_size", &c->max_file_size },
		{ "max_path", &c->max_path },
		{ "max_entries", &c->max_entries },
		{ "max_manifest", &c->max_manifest },
		{ "max_sessions", &c->max_sessions },
		{ "min_rate", &c->min_rate },
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		if (get_size(c, sizes[i].key, sizes[i].value, err) < 0)
			return -1;
	if (get_seconds(c, "request_timeout", &c->request_timeout, err) < 0)
		return -1;
	return get_seconds(c, "stall_timeout", &c->stall_timeout, err);
}

void
config_default(struct config *c)
{
	*c = defaults;
}

int
config_load(struct config *c, const char *root_option, struct error *err)
{
	const struct settings *file;
	const struct setting *e;

	*c = defaults;
	if (read_files(c, err) < 0)
		return -1;
	if (choose_root(c, root_option, err) < 0)
		return -1;
	e = config_get(c, "deployd", "", "spare", &file);
	if ((e && settings_bool(file, e, &c->spare, err) < 0) ||
		get_durability(c, err) < 0 || get_umask(c, err) < 0 ||
		get_keep(c, err) < 0 || get_limits(c, err) < 0)
		return -1;
	return config_check_apps(c, err);
}

void
config_release(struct config *c)
{
	free(c->root);
	free(c->as);
	strv_release(&c->apps);
	strv_release(&c->allow);
	settings_release(&c->files[0]);
	settings_release(&c->files[1]);
}
