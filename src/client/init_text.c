#include "client/init_text.h"

#include <string.h>

static void
add_list(struct buf *out, const char *why, const char *key,
	const struct strv *words, const char *example)
{
	size_t i;

	buf_addf(out, "# %s\n%s%s =", why, words->n ? "" : "# ", key);
	for (i = 0; i < words->n; i++)
		buf_addf(out, " %s", words->v[i]);
	if (words->n == 0)
		buf_addf(out, " %s", example);
	buf_addch(out, '\n');
}

static void
add_app(struct buf *out, const struct recipe *r)
{
	buf_addstr(out, "[app]\n");
	if (r->dir)
		buf_addf(out, "# What is deployed.\ndir = %s\n", r->dir);
	add_list(out, "What outlives releases: uploads, a database in a file.",
		"shared", &r->shared, "uploads/");
	if (r->carry.n)
		add_list(out, "What a build leaves for the next one.", "carry",
			&r->carry, "");
}

static void
add_remote(struct buf *out, const struct recipe *r, const struct strv *urls)
{
	size_t i;

	if (urls->n == 0) {
		buf_addf(out,
			"# Where it goes to: `deploy', or `deploy production'.\n"
			"# [remote \"production\"]\n"
			"# url = deploy@example.org:%s\n",
			r->app);
		return;
	}
	buf_addstr(out, "[remote \"production\"]\n");
	for (i = 0; i < urls->n; i++)
		buf_addf(out, "url = %s\n", urls->v[i]);
}

static void
add_commands(struct buf *out, const char *why, const char *key,
	const struct strv *commands, const char *example)
{
	size_t i;

	if (commands->n || example)
		buf_addf(out, "# %s\n", why);
	for (i = 0; i < commands->n; i++)
		buf_addf(out, "%s = %s\n", key, commands->v[i]);
	if (commands->n == 0 && example)
		buf_addf(out, "# %s = %s\n", key, example);
}

static void
add_service(struct buf *out, const struct recipe *r)
{
	if (r->start)
		buf_addf(out,
			"[service]\n"
			"# Restarted by a deploy, and by `deploy restart'; "
			"`deploy logs' shows what\n"
			"# it says.\n"
			"unit = %s\n\n",
			r->app);
}

/*
 * The unit comes with the release, so that a rollback brings back its own.
 */
static void
add_restart(struct buf *out, const struct recipe *r)
{
	const char *app = r->app;

	buf_addf(out,
		"# After the switch, before the unit is restarted: puts "
		"%s.service in place.\n"
		"restart = install -D -m 644 %s.service "
		"~/.config/systemd/user/%s.service\n"
		"restart = systemctl --user daemon-reload\n"
		"restart = systemctl --user --quiet enable %s\n",
		app, app, app, app);
	buf_addf(out,
		"# Without a check, the unit has to stay active for 5 seconds, "
		"or the release\n"
		"# before is made live again.  Does it answer?  Needs curl on "
		"the server.\n"
		"# check = curl -fsS -o /dev/null http://127.0.0.1:%d/\n",
		r->port);
}

static void
add_hooks(struct buf *out, const struct recipe *r)
{
	const char *example = r->kind && !r->build.n ? NULL : "make";

	buf_addstr(out, "[hooks]\n");
	add_commands(out,
		"In the new release, before it is live; if one fails, nothing "
		"changes.",
		"build", &r->build, example);
	add_commands(out,
		"Right before the switch; a rollback does not undo it.",
		"migrate", &r->migrate, NULL);
	if (r->start)
		add_restart(out, r);
	else
		buf_addstr(out,
			"# After the switch; check is repeated for up to "
			"check_timeout.\n"
			"# restart = sudo systemctl reload nginx\n"
			"# check = curl -fsS -o /dev/null http://127.0.0.1/\n");
}

void
init_text_conf(struct buf *out, const struct recipe *r, const struct strv *urls)
{
	buf_addstr(out,
		"# Where this project goes and what runs there: see "
		"deploy.conf(5).\n");
	if (r->kind)
		buf_addf(out, "# Written by `deploy init', which saw %s: %s.\n",
			r->because, r->kind);
	else
		buf_addstr(out,
			"# Written by `deploy init', which knew nothing that "
			"it saw.\n");
	if (r->web_root)
		buf_addf(out,
			"# The web server's root is ~/apps/%s/current%s%s.\n",
			r->app, *r->web_root == '.' ? "" : "/",
			*r->web_root == '.' ? "" : r->web_root);
	buf_addch(out, '\n');
	add_app(out, r);
	buf_addch(out, '\n');
	if (r->before)
		buf_addf(out,
			"[local]\n# Here, before anything is sent.\n"
			"before = %s\n\n",
			r->before);
	add_remote(out, r, urls);
	buf_addch(out, '\n');
	add_service(out, r);
	add_hooks(out, r);
}

/* One program with its arguments, which can take the shell's place. */
static bool
is_simple(const char *command)
{
	size_t word = strcspn(command, " \t");

	return !strpbrk(command, ";&|<>(){}\n") && !memchr(command, '=', word);
}

/* Within '' systemd takes \ as C does, and knows %h and $NAME. */
static void
add_quoted(struct buf *out, const char *command)
{
	for (; *command; command++) {
		if (*command == '\'' || *command == '\\')
			buf_addch(out, '\\');
		if (*command == '%' || *command == '$')
			buf_addch(out, *command);
		buf_addch(out, *command);
	}
}

static void
add_environment(struct buf *out, const struct recipe *r)
{
	buf_addstr(out, "Environment=PATH=");
	if (r->path)
		buf_addf(out, "%%h/apps/%s/current/%s:", r->app, r->path);
	buf_addf(out,
		"%%h/.local/bin:/usr/local/bin:/usr/bin:/bin\n"
		"Environment=PORT=%d\n",
		r->port);
	if (r->environment)
		buf_addf(out, "Environment=%s\n", r->environment);
	buf_addf(out,
		"# Passwords and the like, and what differs from server to "
		"server: it wins over\n# what is above.\n"
		"EnvironmentFile=-%%h/apps/%s/env\n",
		r->app);
}

void
init_text_unit(struct buf *out, const struct recipe *r)
{
	buf_addf(out,
		"# The service of %s, for the account's own systemd; restart "
		"in deploy.conf puts it\n"
		"# in place.  Another root than ~/apps is to be changed "
		"here.\n"
		"[Unit]\n"
		"Description=%s\n\n"
		"[Service]\n"
		"WorkingDirectory=%%h/apps/%s/current\n",
		r->app, r->app, r->app);
	add_environment(out, r);
	buf_addf(out, "ExecStart=/bin/sh -c '%s",
		is_simple(r->start) ? "exec " : "");
	add_quoted(out, r->start);
	buf_addstr(out,
		"'\n"
		"Restart=on-failure\n"
		"RestartSec=1\n\n"
		"[Install]\n"
		"WantedBy=default.target\n");
}
