#include "client/project.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/health.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/unit.h"

#define FILE_NAME "deploy.conf"

static const struct settings_known known[] = {
	{ "app", false, "dir", false },
	{ "app", false, "shared", true },
	{ "app", false, "carry", true },
	{ "app", false, "include", true },
	{ "app", false, "modes", false },
	{ "app", false, "ancestry", false },
	{ "remote", true, "url", true },
	{ "remote", true, "dir", false },
	{ "local", false, "before", true },
	{ "hooks", false, "build", true },
	{ "hooks", false, "migrate", true },
	{ "hooks", false, "restart", true },
	{ "hooks", false, "check", true },
	{ "hooks", false, "build_timeout", false },
	{ "hooks", false, "migrate_timeout", false },
	{ "hooks", false, "restart_timeout", false },
	{ "hooks", false, "check_timeout", false },
	{ "service", false, "unit", false },
	{ "service", false, "reload", false },
	{ NULL, false, NULL, false },
};

static bool
has(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

/* Where anybody may put a deploy.conf, whose hooks would be run for us. */
static bool
is_public(const char *dir)
{
	struct stat st;

	return stat(dir, &st) < 0 || (st.st_mode & S_IWOTH);
}

/*
 * The nearest directory from `start` upward that holds deploy.conf, not
 * above the repository's root; NULL if there is none.  start is absolute.
 */
static char *
find_project(const char *start)
{
	char *dir = mem_strdup(start);

	while (!has(dir, FILE_NAME)) {
		char *slash = strrchr(dir, '/');

		if (has(dir, ".git") || slash[1] == '\0') {
			free(dir);
			return NULL;
		}
		slash[slash == dir] = '\0';
		if (is_public(dir)) {
			free(dir);
			return NULL;
		}
	}
	return dir;
}

static char *
resolve(const char *path, struct error *err)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real && stat(real, &st) == 0 && S_ISDIR(st.st_mode))
		return real;
	if (real)
		errno = ENOTDIR;
	free(real);
	error_errno(err, "%s", path);
	return NULL;
}

static int
read_settings(struct project *p, const char *start, struct error *err)
{
	char *path = mem_printf("%s/%s", p->directory, FILE_NAME);
	const char *shown = strcmp(start, p->directory) ? path : FILE_NAME;
	int rc;

	rc = io_read_file(AT_FDCWD, path, SETTINGS_MOST, &p->text, err);
	if (rc < 0 && errno == EFBIG)
		error_set(err, "%s: longer than %d bytes", shown,
			SETTINGS_MOST);
	if (rc == 0)
		rc = settings_parse(&p->settings, shown, buf_str(&p->text),
			p->text.len, err);
	if (rc == 0)
		rc = settings_check(&p->settings, known, err);
	free(path);
	return rc;
}

/* shared and carry: paths in the tree, directories with or without a slash. */
static int
check_paths(const struct project *p, const struct setting *e, struct error *err)
{
	struct strv words = STRV_INIT;
	size_t i;
	int rc = 0;

	strv_split(&words, e->value, " \t");
	for (i = 0; rc == 0 && i < words.n; i++) {
		const char *word = words.v[i], *why;
		size_t len = strlen(word);

		if (len > 1 && word[len - 1] == '/')
			len--;
		why = *word == '/' ? "not relative to the tree" :
				     path_refuse(word, len);
		if (why)
			rc = settings_error(&p->settings, e, err, "%s: %s: %s",
				e->key, word, why);
	}
	strv_release(&words);
	return rc;
}

static int
one_of(const struct project *p, const struct setting *e, const char *no,
	const char *yes, bool *out, struct error *err)
{
	*out = !strcmp(e->value, yes);
	if (!*out && strcmp(e->value, no) != 0)
		return settings_error(&p->settings, e, err, "%s is %s or %s",
			e->key, no, yes);
	return 0;
}

static int
check_directory(const struct project *p, const struct setting *e,
	struct error *err)
{
	if (*e->value)
		return 0;
	return settings_error(&p->settings, e, err, "dir is a directory");
}

/* A command that is empty is a line that was not finished. */
static int
check_command(const struct project *p, const struct setting *e,
	struct error *err)
{
	if (*e->value)
		return 0;
	return settings_error(&p->settings, e, err, "%s is a command", e->key);
}

static int
read_app(struct project *p, const struct setting *e, struct error *err)
{
	if (!strcmp(e->key, "modes"))
		return one_of(p, e, "git", "exact", &p->exact_modes, err);
	if (!strcmp(e->key, "ancestry"))
		return one_of(p, e, "warn", "refuse", &p->refuse_ancestry, err);
	if (!strcmp(e->key, "include")) {
		strv_split(&p->include, e->value, " \t");
		return 0;
	}
	if (!strcmp(e->key, "dir"))
		return check_directory(p, e, err);
	strv_split(*e->key == 's' ? &p->shared : &p->carry, e->value, " \t");
	return check_paths(p, e, err);
}

/* Letters, digits and ._-, so that a name is no target and no option. */
static bool
is_remote_name(const char *s)
{
	if (!isalnum((unsigned char)*s))
		return false;
	while (isalnum((unsigned char)*s) || (*s && strchr("._-", *s)))
		s++;
	return *s == '\0';
}

static int
read_remote(struct project *p, const struct setting *e, struct error *err)
{
	struct target t = { 0 };
	struct error why = ERROR_INIT;
	int rc;

	if (verb_is_reserved(e->name))
		return settings_error(&p->settings, e, err,
			"a remote cannot be named %s, which is a verb",
			e->name);
	if (!is_remote_name(e->name))
		return settings_error(&p->settings, e, err,
			"a remote's name has letters, digits and ._-");
	if (!strcmp(e->key, "dir"))
		return check_directory(p, e, err);
	rc = target_parse(&t, e->value, &why);
	target_release(&t);
	if (rc < 0) {
		settings_error(&p->settings, e, err, "%s", why.text);
		return error_hint(err, "%s", why.hint);
	}
	return 0;
}

static int
read_service(struct project *p, const struct setting *e, struct error *err)
{
	bool reload;

	if (!strcmp(e->key, "reload"))
		return settings_bool(&p->settings, e, &reload, err);
	p->hooks++;
	if (unit_is_name(e->value))
		return 0;
	return settings_error(&p->settings, e, err,
		"unit is the name of a systemd unit: letters, digits and @._:-");
}

/* One that deployd makes itself must be well formed. */
static int
check_health(const struct project *p, const struct setting *e,
	struct error *err)
{
	const char *why = health_refuse(e->value);

	if (!why)
		return 0;
	return settings_error(&p->settings, e, err, "check: %s: %s", e->value,
		why);
}

static int
read_hook(struct project *p, const struct setting *e, struct error *err)
{
	const char *suffix = strrchr(e->key, '_');
	long seconds;

	if (suffix && !strcmp(suffix, "_timeout"))
		return settings_seconds(&p->settings, e, &seconds, err);
	p->hooks++;
	if (!strcmp(e->key, "check") && check_health(p, e, err) < 0)
		return -1;
	return check_command(p, e, err);
}

static int
read_local(struct project *p, const struct setting *e, struct error *err)
{
	strv_add(&p->before, e->value);
	return check_command(p, e, err);
}

static int
check_remotes(const struct project *p, struct error *err)
{
	size_t i;

	for (i = 0; i < p->settings.n_sections; i++) {
		const struct setting *e = &p->settings.sections[i];

		if (!strcmp(e->section, "remote") &&
			!project_has_remote(p, e->name))
			return settings_error(&p->settings, e, err,
				"the remote %s has no url", e->name);
	}
	return 0;
}

static int
read_values(struct project *p, struct error *err)
{
	size_t i;
	int rc = check_remotes(p, err);

	for (i = 0; rc == 0 && i < p->settings.n; i++) {
		const struct setting *e = &p->settings.v[i];

		if (!strcmp(e->section, "app"))
			rc = read_app(p, e, err);
		else if (!strcmp(e->section, "remote"))
			rc = read_remote(p, e, err);
		else if (!strcmp(e->section, "local"))
			rc = read_local(p, e, err);
		else if (!strcmp(e->section, "service"))
			rc = read_service(p, e, err);
		else
			rc = read_hook(p, e, err);
	}
	return rc;
}

/* A value of dir, which an error names by its line. */
static char *
settings_directory(const struct project *p, const struct setting *e,
	struct error *err)
{
	struct error why = ERROR_INIT;
	char *path, *real;

	path = *e->value == '/' ? mem_strdup(e->value) :
				  mem_printf("%s/%s", p->directory, e->value);
	real = resolve(path, &why);
	if (!real)
		settings_error(&p->settings, e, err, "dir: %s", why.text);
	free(path);
	return real;
}

/* What a target's remote has as dir, else [app]; NULL: neither. */
static const struct setting *
find_directory(const struct project *p, const struct target *t)
{
	const struct setting *e = NULL;

	if (t && *t->remote)
		e = settings_get(&p->settings, "remote", t->remote, "dir");
	return e ? e : settings_get(&p->settings, "app", "", "dir");
}

int
project_find_tree(struct project *p, const struct targets *t, struct error *err)
{
	const struct setting *e = find_directory(p, t->n ? &t->v[0] : NULL);
	size_t i;

	if (p->tree)
		return 0;
	for (i = 1; i < t->n; i++)
		if (find_directory(p, &t->v[i]) != e)
			return error_status(err, STATUS_USAGE,
				"%s and %s deploy different directories",
				t->v[0].text, t->v[i].text);
	p->tree = e ? settings_directory(p, e, err) : mem_strdup(p->directory);
	return p->tree ? 0 : -1;
}

static int
open_at(struct project *p, const char *start, const char *dir,
	struct error *err)
{
	uint8_t digest[DIGEST_SIZE];

	p->tree = dir ? resolve(dir, err) : NULL;
	if (dir && !p->tree)
		return -1;
	p->directory = find_project(start);
	/* A deploy.conf that comes with DIR, where we stand in no project. */
	if (!p->directory && dir)
		p->directory = find_project(p->tree);
	p->has_settings = p->directory != NULL;
	if (!p->directory)
		p->directory = mem_strdup(start);
	if (p->has_settings &&
		(read_settings(p, start, err) < 0 || read_values(p, err) < 0))
		return -1;
	digest_bytes(buf_str(&p->text), p->text.len, digest);
	digest_to_hex(digest, p->settings_hex);
	return 0;
}

int
project_open(struct project *p, const char *start, const char *dir,
	struct error *err)
{
	char *here = resolve(start ? start : ".", err);
	int rc = -1;

	memset(p, 0, sizeof(*p));
	if (here)
		rc = open_at(p, here, dir, err);
	free(here);
	return rc;
}

void
project_release(struct project *p)
{
	free(p->directory);
	free(p->tree);
	buf_release(&p->text);
	settings_release(&p->settings);
	strv_release(&p->include);
	strv_release(&p->shared);
	strv_release(&p->carry);
	strv_release(&p->before);
}
