/* What a key may do: the command line of --serve. */
#include "server/config.h"

#include <string.h>

#include "base/mem.h"
#include "base/path.h"

bool
config_is_group(const char *word)
{
	struct strv groups = STRV_INIT;
	bool is;

	strv_split(&groups, CONFIG_GROUPS, ", ");
	is = strv_has(&groups, word);
	strv_release(&groups);
	return is;
}

int
config_restrict(struct config *c, const char *apps, const char *allow,
	const char *as, const char *hooks, struct error *err)
{
	size_t i;

	if (apps)
		strv_split(&c->apps, apps, ",");
	if (allow)
		strv_split(&c->allow, allow, ",");
	if ((apps && !c->apps.n) || (allow && !c->allow.n))
		return error_set(err, "--app and --allow take a list of names");
	for (i = 0; i < c->apps.n; i++)
		if (!path_is_app(c->apps.v[i]))
			return error_set(err, "--app: '%s' cannot be an app",
				c->apps.v[i]);
	for (i = 0; i < c->allow.n; i++)
		if (!config_is_group(c->allow.v[i]))
			return error_set(err,
				"--allow: '%s' is not one of " CONFIG_GROUPS,
				c->allow.v[i]);
	if (hooks && strcmp(hooks, "none") != 0)
		return error_set(err, "--hooks: '%s' is not none", hooks);
	c->no_hooks = hooks != NULL;
	if (as)
		c->as = mem_strdup(as);
	return 0;
}

int
config_authorise(const struct config *c, const char *app, const char *verb,
	struct error *err)
{
	bool app_ok = c->apps.n == 0 || strv_has(&c->apps, app);
	bool verb_ok = c->allow.n == 0 || strv_has(&c->allow, verb);

	if (app_ok && verb_ok)
		return 0;
	if (!app_ok)
		error_status(err, STATUS_REFUSED,
			"this key is not authorised for %s, which its --app "
			"does not name",
			app);
	else
		error_status(err, STATUS_REFUSED,
			"this key is not authorised to do that to %s: it takes "
			"`%s', which its --allow does not have",
			app, verb);
	return error_hint(err,
		"whoever keeps the server can change that: "
		"--app and --allow in its authorized_keys, deployd(8)");
}
