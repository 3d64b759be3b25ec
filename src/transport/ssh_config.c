#include "ssh_config.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

static void
add_home(struct strv *l, const char *home, const char *name)
{
	strv_take(l, mem_printf("%s/.ssh/%s", home, name));
}

/* ssh goes by the account, not by HOME. */
static void
set_account(struct ssh_config *c)
{
	struct passwd pw, *found = NULL;
	const char *home = getenv("HOME");
	char text[4096];

	if (getpwuid_r(getuid(), &pw, text, sizeof(text), &found) == 0 &&
		found) {
		c->home = mem_strdup(pw.pw_dir);
		c->login = mem_strdup(pw.pw_name);
		c->have_account = true;
	} else {
		c->home = mem_strdup(home ? home : "/");
		c->login = mem_printf("%lu", (unsigned long)getuid());
	}
}

void
ssh_config_init(struct ssh_config *c, const char *host)
{
	const char *sock = getenv("SSH_AUTH_SOCK");

	memset(c, 0, sizeof(*c));
	set_account(c);
	c->host = mem_strdup(host);
	c->hostname = mem_strdup(host);
	c->user = mem_strdup(c->login);
	c->port = 22;
	c->family = AF_UNSPEC;
	add_home(&c->identities, c->home, "id_rsa");
	add_home(&c->identities, c->home, "id_ecdsa");
	add_home(&c->identities, c->home, "id_ed25519");
	add_home(&c->user_known_hosts, c->home, "known_hosts");
	add_home(&c->user_known_hosts, c->home, "known_hosts2");
	strv_add(&c->global_known_hosts, "/etc/ssh/ssh_known_hosts");
	strv_add(&c->global_known_hosts, "/etc/ssh/ssh_known_hosts2");
	c->agent = sock && *sock ? mem_strdup(sock) : NULL;
	c->alive_count = 3;
	c->strict = STRICT_ASK;
}

void
ssh_config_release(struct ssh_config *c)
{
	char *const fields[] = { c->home, c->login, c->host, c->hostname,
		c->user, c->agent, c->host_key_alias, c->proxy_jump,
		c->proxy_command, c->control_path, c->ciphers, c->macs, c->kex,
		c->host_key_algorithms, c->key_algorithms, c->needs_ssh };
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		free(fields[i]);
	strv_release(&c->identities);
	strv_release(&c->user_known_hosts);
	strv_release(&c->global_known_hosts);
	memset(c, 0, sizeof(*c));
}

static void
parse_line(struct ssh_config *c, char *line)
{
	char *value = strchr(line, ' '), *p;

	if (!value)
		return;
	*value++ = '\0';
	for (p = line; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	(void)ssh_config_set(c, line, value);
}

/*
 * Paths may name the host or the user, which come in any order: first the
 * fields that others are made of, then all.
 */
void
ssh_config_parse(struct ssh_config *c, const char *text)
{
	int pass;
	size_t i;

	for (pass = 0; pass < 2; pass++) {
		struct strv lines = STRV_INIT;

		strv_split(&lines, text, "\r\n");
		for (i = 0; i < lines.n; i++) {
			const char *l = lines.v[i];

			if (pass == 1 || strncmp(l, "host", 4) == 0 ||
				strncmp(l, "user ", 5) == 0 ||
				strncmp(l, "port ", 5) == 0)
				parse_line(c, lines.v[i]);
		}
		strv_release(&lines);
	}
	/* Debian's ssh says so unasked where nobody can be asked. */
	if (c->batch && c->alive_interval == 300)
		c->alive_interval = 0;
}

bool
ssh_config_program(const char *name)
{
	const char *path = getenv("PATH");
	struct strv dirs = STRV_INIT;
	bool found = false;
	size_t i;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	strv_split(&dirs, path ? path : "/usr/bin:/bin", ":");
	for (i = 0; i < dirs.n && !found; i++) {
		char *full = mem_printf("%s/%s", dirs.v[i], name);

		found = access(full, X_OK) == 0;
		free(full);
	}
	strv_release(&dirs);
	return found;
}
