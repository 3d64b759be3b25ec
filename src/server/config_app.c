/* The sections of deployd.conf that are about one app. */
#include "server/config_parts.h"

#include <string.h>

static int
get_hooks_kind(const struct settings *file, const struct setting *e,
	enum config_hooks *out, struct error *err)
{
	if (!strcmp(e->value, "tree"))
		*out = HOOKS_TREE;
	else if (!strcmp(e->value, "server"))
		*out = HOOKS_SERVER;
	else if (!strcmp(e->value, "none"))
		*out = HOOKS_NONE;
	else
		return settings_error(file, e, err,
			"hooks is tree, server or none");
	return 0;
}

static int
check_hooks_kinds(const struct config *c, struct error *err)
{
	enum config_hooks ignored;
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < c->files[i].n; j++)
			if (!strcmp(c->files[i].v[j].key, "hooks") &&
				get_hooks_kind(&c->files[i], &c->files[i].v[j],
					&ignored, err) < 0)
				return -1;
	return 0;
}

static bool
is_told(const struct config *c, const struct setting *command)
{
	const struct settings *file;
	const struct setting *e = config_get(c, "app", command->name, "hooks",
		&file);

	return e && strcmp(e->value, "tree") != 0;
}

/* What is about hooks, whosever they are. */
static bool
is_about_all(const char *key)
{
	return !strcmp(key, "hooks") || !strcmp(key, "confine") ||
		!strcmp(key, "writable");
}

static int
check_confined(const struct config *c, struct error *err)
{
	bool ignored;
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < c->files[i].n; j++)
			if (!strcmp(c->files[i].v[j].key, "confine") &&
				settings_bool(&c->files[i], &c->files[i].v[j],
					&ignored, err) < 0)
				return -1;
	return 0;
}

/* Commands that would never run are a mistake of the admin's. */
static int
check_commands(const struct config *c, struct error *err)
{
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < c->files[i].n; j++) {
			const struct setting *e = &c->files[i].v[j];

			if (!strcmp(e->section, "app") &&
				!is_about_all(e->key) && !is_told(c, e))
				return settings_error(&c->files[i], e, err,
					"%s has no effect without `hooks = "
					"server' in [app \"%s\"]",
					e->key, e->name);
		}
	return 0;
}

int
config_check_apps(const struct config *c, struct error *err)
{
	if (check_hooks_kinds(c, err) < 0 || check_confined(c, err) < 0)
		return -1;
	return check_commands(c, err);
}

enum config_hooks
config_hooks(const struct config *c, const char *app)
{
	enum config_hooks kind = HOOKS_TREE;
	struct error ignored = ERROR_INIT;
	const struct settings *file;
	const struct setting *e = config_get(c, "app", app, "hooks", &file);

	if (e)
		(void)get_hooks_kind(file, e, &kind, &ignored);
	return c->no_hooks ? HOOKS_NONE : kind;
}

void
config_app_values(const struct config *c, const char *app, const char *key,
	struct strv *out)
{
	const struct settings *file;
	size_t i;

	/* All values of the later file that has the key. */
	if (!config_get(c, "app", app, key, &file))
		return;
	for (i = 0; i < file->n; i++)
		if (!strcmp(file->v[i].section, "app") &&
			!strcmp(file->v[i].name, app) &&
			!strcmp(file->v[i].key, key))
			strv_add(out, file->v[i].value);
}

bool
config_confines(const struct config *c, const char *app)
{
	struct error ignored = ERROR_INIT;
	const struct settings *file;
	const struct setting *e = config_get(c, "app", app, "confine", &file);
	bool is = false;

	if (e)
		(void)settings_bool(file, e, &is, &ignored);
	return is;
}

void
config_writable(const struct config *c, const char *app, struct strv *paths)
{
	struct strv values = STRV_INIT, words = STRV_INIT;
	size_t i;

	config_app_values(c, app, "writable", &values);
	for (i = 0; i < values.n; i++)
		strv_split(&words, values.v[i], " \t");
	for (i = 0; i < words.n; i++)
		strv_take(paths, config_expand(words.v[i]));
	strv_release(&values);
	strv_release(&words);
}
