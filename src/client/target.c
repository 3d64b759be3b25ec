/* What a target is: [user@]host:app, ssh://[user@]host[:port]/app, local:app. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "client/project.h"

/* ssh_config may hand these to a shell: as ssh, we do not take them. */
static const char refused[] = "'\"`$\\;&<>|(){}";

static int
no_target(struct error *err, const char *text, const char *why)
{
	error_status(err, STATUS_USAGE, "'%s' is no target: %s", text, why);
	return error_hint(err,
		"a target is [user@]host:app, "
		"ssh://[user@]host[:port]/app, local:app or a remote of "
		"deploy.conf");
}

static const char *
refuse_name(const char *s)
{
	if (!*s)
		return "a name is empty";
	if (*s == '-')
		return "a name begins with `-'";
	for (; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s) ||
			*s == '/' || strchr(refused, *s))
			return "a character that no host or user has";
	return NULL;
}

static int
check(const struct target *t, struct error *err)
{
	const char *why = t->host ? refuse_name(t->host) : NULL;

	if (!why && t->user)
		why = refuse_name(t->user);
	if (why)
		return no_target(err, t->text, why);
	if (path_is_app(t->app))
		return 0;
	error_status(err, STATUS_USAGE, "'%s': '%s' cannot be an app's name",
		t->text, t->app);
	return error_hint(err,
		"an app's name has up to %d lower-case letters, "
		"digits and ._- and begins with a letter or digit",
		APP_MOST);
}

/* Takes `user@' off, *s and *len become what is left; 0 or -1. */
static int
take_user(struct target *t, const char **s, size_t *len)
{
	const char *at = memrchr(*s, '@', *len);
	size_t n;

	if (!at)
		return 0;
	n = (size_t)(at - *s);
	/* Of user:password@ we want no part. */
	if (memchr(*s, ':', n))
		return -1;
	t->user = mem_strndup(*s, n);
	*s += n + 1;
	*len -= n + 1;
	return 0;
}

/* [address] or a name; *rest becomes what follows.  0 or -1. */
static int
take_host(struct target *t, const char *s, size_t len, const char **rest)
{
	const char *end;

	if (len && *s == '[') {
		end = memchr(s, ']', len);
		if (!end)
			return -1;
		t->host = mem_strndup(s + 1, (size_t)(end - s - 1));
		*rest = end + 1;
		return 0;
	}
	end = memchr(s, ':', len);
	*rest = end ? end : s + len;
	t->host = mem_strndup(s, (size_t)(*rest - s));
	return 0;
}

static int
parse_port(const char *s, size_t len)
{
	int port = 0;
	size_t i;

	if (len == 0 || len > 5)
		return -1;
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		port = port * 10 + (s[i] - '0');
	}
	return port >= 1 && port <= 65535 ? port : -1;
}

static int
parse_url(struct target *t, struct error *err)
{
	const char *s = t->text + strlen("ssh://"), *slash = strchr(s, '/');
	const char *rest;
	size_t len;

	if (!slash)
		return no_target(err, t->text, "no app behind the host");
	len = (size_t)(slash - s);
	t->app = mem_strdup(slash + 1);
	if (take_user(t, &s, &len) < 0)
		return no_target(err, t->text, "a password in it");
	if (take_host(t, s, len, &rest) < 0)
		return no_target(err, t->text, "no `]'");
	if (rest == slash)
		return check(t, err);
	t->port = *rest == ':' ?
		parse_port(rest + 1, (size_t)(slash - rest - 1)) :
		-1;
	if (t->port < 0)
		return no_target(err, t->text, "a bad port");
	return check(t, err);
}

/* host:app; the colon is the first behind the user and an [address]. */
static int
parse_short(struct target *t, struct error *err)
{
	const char *s = t->text, *rest;
	const char *bracket = strchr(s, '['), *colon = strchr(s, ':');
	size_t len = strlen(s);

	/* An @ behind the colon is the app's, not the user's. */
	if (bracket && (!colon || bracket < colon)) {
		size_t before = (size_t)(bracket - s);

		if (before && s[before - 1] != '@')
			return no_target(err, t->text, "a `[' in its host");
		if (take_user(t, &s, &before) < 0 ||
			take_host(t, bracket, strlen(bracket), &rest) < 0)
			return no_target(err, t->text, "no `]'");
	} else {
		if (colon)
			len = (size_t)(colon - s);
		(void)take_user(t, &s, &len);
		t->host = mem_strndup(s, len);
		rest = s + len;
	}
	if (*rest != ':')
		return no_target(err, t->text, "no `:app' behind the host");
	t->app = mem_strdup(rest + 1);
	if (!strcmp(t->host, "local") && !t->user) {
		t->local = true;
		free(t->host);
		t->host = NULL;
	}
	return check(t, err);
}

int
target_parse(struct target *t, const char *text, struct error *err)
{
	const char *scheme = strstr(text, "://");
	const char *s;

	memset(t, 0, sizeof(*t));
	t->text = mem_strdup(text);
	t->remote = mem_strdup("");
	for (s = text; *s; s++)
		if (iscntrl((unsigned char)*s))
			return no_target(err, text, "a control character");
	if (scheme && strncmp(text, "ssh://", 6) != 0)
		return no_target(err, text, "the only scheme is ssh://");
	return scheme ? parse_url(t, err) : parse_short(t, err);
}

void
target_release(struct target *t)
{
	free(t->text);
	free(t->remote);
	free(t->user);
	free(t->host);
	free(t->app);
	memset(t, 0, sizeof(*t));
}
