#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "openssh.h"
#include "ssh_config.h"
#include "transport.h"

#define OUTPUT_MOST (1024 * 1024)

/* ~ or ~user at the start of *s; an unknown user stays as it is. */
static void
add_home(const struct ssh_config *c, const char **s, struct buf *out)
{
	size_t n = strcspn(*s, "/");
	char *user = mem_strndup(*s + 1, n - 1);
	struct passwd pw, *found = NULL;
	const char *home = NULL;
	char text[4096];

	if (!*user)
		home = c->home;
	else if (getpwnam_r(user, &pw, text, sizeof(text), &found) == 0 &&
		found)
		home = pw.pw_dir;
	if (home) {
		buf_addstr(out, home);
		*s += n;
	}
	free(user);
}

static void
add_local_name(struct buf *out, bool whole)
{
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	if (!whole)
		name[strcspn(name, ".")] = '\0';
	buf_addstr(out, name);
}

static int
add_token(const struct ssh_config *c, char token, struct buf *out)
{
	switch (token) {
	case '%':
		buf_addch(out, '%');
		break;
	case 'd':
		buf_addstr(out, c->home);
		break;
	case 'h':
		buf_addstr(out, c->hostname);
		break;
	case 'i':
		buf_addf(out, "%lu", (unsigned long)getuid());
		break;
	case 'k':
		buf_addstr(out,
			c->host_key_alias ? c->host_key_alias : c->host);
		break;
	case 'L':
	case 'l':
		add_local_name(out, token == 'l');
		break;
	case 'n':
		buf_addstr(out, c->host);
		break;
	case 'p':
		buf_addf(out, "%d", c->port);
		break;
	case 'r':
		buf_addstr(out, c->user);
		break;
	case 'u':
		buf_addstr(out, c->login);
		break;
	default:
		return -1;
	}
	return 0;
}

int
ssh_config_expand(const struct ssh_config *c, const char *s, struct buf *out)
{
	if (*s == '~')
		add_home(c, &s, out);
	for (; *s; s++) {
		const char *end;

		if (*s == '%') {
			if (!*++s || add_token(c, *s, out) < 0)
				return -1;
		} else if (s[0] == '$' && s[1] == '{' &&
			(end = strchr(s, '}'))) {
			char *name = mem_strndup(s + 2, (size_t)(end - s) - 2);
			const char *value = getenv(name);

			free(name);
			if (!value)
				return -1;
			buf_addstr(out, value);
			s = end;
		} else {
			buf_addch(out, *s);
		}
	}
	return 0;
}

/* Why there is no ssh to ask, for a sentence about what needs it. */
static const char *
lack(const struct ssh_config *c)
{
	return c->have_account ? "which is not installed" :
				 "which runs for no user without an account";
}

/* -o KEY=VALUE or `KEY VALUE', where there is no ssh to read it. */
static int
set_option(struct ssh_config *c, const char *setting, struct error *err)
{
	size_t n = strcspn(setting, "= \t");
	char *key = mem_strndup(setting, n), *p;
	const char *value = setting + n;
	int rc = 0;

	value += strspn(value, "= \t");
	for (p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!ssh_config_set(c, key, value) || c->needs_ssh || c->proxy_jump)
		rc = error_status(err, STATUS_CONNECT,
			"-o %s is understood by OpenSSH's ssh only, %s",
			setting, lack(c));
	free(key);
	return rc;
}

/* One that nobody reads would explain what fails then. */
static void
warn_of_config(const struct ssh_config *c)
{
	char *path = mem_printf("%s/.ssh/config", c->home);

	if (access(path, R_OK) == 0)
		log_warn("%s is not read: that takes OpenSSH's ssh, %s", path,
			lack(c));
	free(path);
}

static int
read_without_ssh(struct ssh_config *c, const struct transport_options *o,
	struct error *err)
{
	bool no_config = o->config &&
		(strcmp(o->config, "none") == 0 ||
			strcmp(o->config, "/dev/null") == 0);
	size_t i;

	if ((o->config && !no_config) || o->jump)
		return error_status(err, STATUS_CONNECT,
			"-%c needs OpenSSH's ssh, %s", o->jump ? 'J' : 'F',
			lack(c));
	if (!no_config)
		warn_of_config(c);
	/* As for ssh, the first mention of a setting wins. */
	for (i = o->settings.n; i-- > 0;)
		if (set_option(c, o->settings.v[i], err) < 0)
			return -1;
	if (o->user)
		(void)ssh_config_set(c, "user", o->user);
	if (o->port)
		c->port = o->port;
	if (o->family)
		c->family = o->family;
	for (i = 0; i < o->identities.n; i++)
		(void)ssh_config_set(c, "identityfile", o->identities.v[i]);
	return 0;
}

int
ssh_config_read(struct ssh_config *c, const struct transport_options *o,
	struct error *err)
{
	struct strv argv = STRV_INIT;
	struct buf text = BUF_INIT;
	int rc = -1;

	c->have_ssh = c->have_account && ssh_config_program("ssh");
	if (!c->have_ssh)
		return read_without_ssh(c, o, err);
	strv_add(&argv, "ssh");
	strv_add(&argv, "-G");
	openssh_options(&argv, o);
	if (o->user) {
		strv_add(&argv, "-l");
		strv_add(&argv, o->user);
	}
	strv_add(&argv, "--");
	strv_add(&argv, o->host);
	rc = process_output((const char *const *)argv.v, NULL, -1, OUTPUT_MOST,
		&text, err);
	if (rc > 0) {
		rc = error_status(err, STATUS_CONNECT,
			"ssh rejects its configuration for %s", o->host);
		error_hint(err, "`ssh -G %s' says what it minds", o->host);
	} else if (rc == 0) {
		ssh_config_parse(c, buf_str(&text));
	} else {
		err->status = STATUS_CONNECT;
	}
	strv_release(&argv);
	buf_release(&text);
	return rc;
}
