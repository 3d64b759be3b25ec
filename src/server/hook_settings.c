/* What deploy.conf, or the admin instead, says of hooks and directories. */
#include "server/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/unit.h"
#include "server/reach.h"

/* One hook key with where its commands and its deadline go. */
struct key {
	const char *name, *timeout_name;
	struct strv *commands;
	long *timeout;
};

#define KEYS 4

static void
keys_of(struct hook_settings *h, struct key keys[static KEYS])
{
	keys[0] = (struct key){ "build", "build_timeout", &h->build,
		&h->build_timeout };
	keys[1] = (struct key){ "migrate", "migrate_timeout", &h->migrate,
		&h->migrate_timeout };
	keys[2] = (struct key){ "restart", "restart_timeout", &h->restart,
		&h->restart_timeout };
	keys[3] = (struct key){ "check", "check_timeout", &h->check,
		&h->check_timeout };
}

static void
values(const struct settings *s, const char *section, const char *name,
	const char *key, struct strv *out)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].section, section) &&
			!strcmp(s->v[i].name, name) &&
			!strcmp(s->v[i].key, key) && s->v[i].value[0])
			strv_add(out, s->v[i].value);
}

static int
load_hooks(struct hook_settings *h, const struct settings *s, struct error *err)
{
	struct key keys[KEYS];
	size_t i;

	keys_of(h, keys);
	for (i = 0; i < KEYS; i++) {
		const struct setting *t = settings_get(s, "hooks", "",
			keys[i].timeout_name);

		if (t && settings_seconds(s, t, keys[i].timeout, err) < 0)
			return -1;
		values(s, "hooks", "", keys[i].name, keys[i].commands);
	}
	return 0;
}

/* A unit and whether it is reloaded; each may be NULL. */
static int
load_service(struct hook_settings *h, const struct settings *s,
	const struct setting *unit, const struct setting *reload,
	struct error *err)
{
	if (unit && !unit_is_name(unit->value))
		return settings_error(s, unit, err,
			"a unit's name has letters, digits and @._:-");
	if (unit) {
		free(h->unit);
		h->unit = unit_full(unit->value);
	}
	return reload ? settings_bool(s, reload, &h->reload, err) : 0;
}

/* The admin's own; of two files the later wins, key by key. */
static int
load_server_hooks(struct hook_settings *h, const struct config *c,
	const char *app, struct error *err)
{
	struct key keys[KEYS];
	size_t i, j;

	keys_of(h, keys);
	for (i = 0; i < KEYS; i++) {
		config_app_values(c, app, keys[i].name, keys[i].commands);
		for (j = 0; j < 2; j++) {
			const struct settings *s = &c->files[j];
			const struct setting *t = settings_get(s, "app", app,
				keys[i].timeout_name);

			if (t &&
				settings_seconds(s, t, keys[i].timeout, err) <
					0)
				return -1;
		}
	}
	for (j = 0; j < 2; j++) {
		const struct settings *s = &c->files[j];

		if (load_service(h, s, settings_get(s, "app", app, "unit"),
			    settings_get(s, "app", app, "reload"), err) < 0)
			return -1;
	}
	return 0;
}

/* Words of [app] KEY; each must be a path below the release. */
static int
load_paths(const struct settings *s, const char *key, struct strv *out,
	struct error *err)
{
	struct strv lines = STRV_INIT;
	size_t i;
	int rc = 0;

	values(s, "app", "", key, &lines);
	for (i = 0; i < lines.n; i++)
		strv_split(out, lines.v[i], " \t");
	strv_release(&lines);
	for (i = 0; rc == 0 && i < out->n; i++) {
		size_t len = strlen(out->v[i]);
		const char *why = path_refuse(out->v[i],
			len - (len > 1 && out->v[i][len - 1] == '/'));

		if (why)
			rc = error_status(err, STATUS_REFUSED,
				"deploy.conf: %s: %s: %s", key, out->v[i], why);
	}
	return rc;
}

int
hook_settings_load(struct hook_settings *h, const struct config *c,
	const char *app, const char *text, size_t len, struct error *err)
{
	struct settings s = SETTINGS_INIT;
	enum config_hooks kind = config_hooks(c, app);
	int rc;

	memset(h, 0, sizeof(*h));
	h->build_timeout = 1800;
	h->restart_timeout = 120;
	h->check_timeout = 60;
	rc = settings_parse(&s, "deploy.conf", text, len, err);
	if (rc == 0 && kind == HOOKS_TREE)
		rc = load_hooks(h, &s, err);
	if (rc == 0 && kind == HOOKS_TREE)
		rc = load_service(h, &s,
			settings_get(&s, "service", "", "unit"),
			settings_get(&s, "service", "", "reload"), err);
	if (rc == 0 && kind == HOOKS_SERVER)
		rc = load_server_hooks(h, c, app, err);
	if (rc == 0)
		rc = load_paths(&s, "shared", &h->shared, err);
	if (rc == 0)
		rc = load_paths(&s, "carry", &h->carry, err);
	settings_release(&s);
	if (rc < 0)
		err->status = STATUS_REFUSED;
	return rc;
}

int
hook_settings_shared(struct strv *shared, const char *text, size_t len,
	struct error *err)
{
	struct settings s = SETTINGS_INIT;
	int rc = settings_parse(&s, "deploy.conf", text, len, err);

	if (rc == 0)
		rc = load_paths(&s, "shared", shared, err);
	settings_release(&s);
	if (rc < 0)
		err->status = STATUS_REFUSED;
	return rc;
}

int
hook_settings_check(const struct hook_settings *h, struct error *err)
{
	size_t i;

	for (i = 0; i < h->check.n; i++) {
		const char *check = h->check.v[i], *why = health_refuse(check);

		if (why)
			return error_status(err, STATUS_REFUSED,
				"check = %s: %s", check, why);
		if (health_kind(check) != HEALTH_HTTP || http_library())
			continue;
		error_status(err, STATUS_REFUSED, "check = %s: %s", check,
			HTTP_MISSING);
		return error_hint(err, "%s", HTTP_INSTEAD);
	}
	return 0;
}

void
hook_settings_drop(struct hook_settings *h)
{
	strv_release(&h->build);
	strv_release(&h->migrate);
	strv_release(&h->restart);
	strv_release(&h->check);
	free(h->unit);
	h->unit = NULL;
}

void
hook_settings_release(struct hook_settings *h)
{
	hook_settings_drop(h);
	strv_release(&h->shared);
	strv_release(&h->carry);
}
