#include "ssh_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"

static void
replace(char **field, const char *value)
{
	free(*field);
	*field = value ? mem_strdup(value) : NULL;
}

static bool
yes(const char *value)
{
	return strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
}

static bool
none(const char *value)
{
	return *value == '\0' || strcmp(value, "none") == 0;
}

static void
need_ssh(struct ssh_config *c, const char *what)
{
	if (!c->needs_ssh)
		c->needs_ssh = mem_printf("the configuration sets %s", what);
}

/* ssh -G prints a list of paths without quotes: one begins with / or ~. */
static void
set_paths(struct strv *l, const char *value)
{
	struct strv words = STRV_INIT;
	size_t i;

	strv_clear(l);
	strv_split(&words, value, " ");
	for (i = 0; i < words.n; i++) {
		const char *w = words.v[i];

		if (l->n && *w != '/' && *w != '~') {
			char *last = l->v[l->n - 1];

			l->v[l->n - 1] = mem_printf("%s %s", last, w);
			free(last);
		} else {
			strv_add(l, w);
		}
	}
	if (l->n == 1 && none(l->v[0]))
		strv_clear(l);
	strv_release(&words);
}

static void
set_agent(struct ssh_config *c, const char *value)
{
	struct buf path = BUF_INIT;

	if (strcmp(value, "SSH_AUTH_SOCK") == 0)
		value = getenv("SSH_AUTH_SOCK");
	else if (*value == '$' && value[1] != '{')
		value = getenv(value + 1);
	if (!value || none(value))
		replace(&c->agent, NULL);
	else if (ssh_config_expand(c, value, &path) == 0)
		replace(&c->agent, buf_str(&path));
	else
		need_ssh(c, "IdentityAgent");
	buf_release(&path);
}

static void
set_identity(struct ssh_config *c, const char *value)
{
	struct buf path = BUF_INIT;

	if (!c->identities_given)
		strv_clear(&c->identities);
	c->identities_given = true;
	if (!none(value)) {
		if (ssh_config_expand(c, value, &path) < 0)
			need_ssh(c, "IdentityFile");
		else if (!strv_has(&c->identities, buf_str(&path)))
			strv_add(&c->identities, buf_str(&path));
	}
	buf_release(&path);
}

static void
set_strict(struct ssh_config *c, const char *value)
{
	if (yes(value))
		c->strict = STRICT_YES;
	else if (strcmp(value, "accept-new") == 0)
		c->strict = STRICT_ACCEPT_NEW;
	else if (strcmp(value, "ask") == 0)
		c->strict = STRICT_ASK;
	else
		c->strict = STRICT_NO;
}

static long
unit(char c)
{
	switch (c) {
	case 'w':
	case 'W':
		return 7 * 24 * 3600;
	case 'd':
	case 'D':
		return 24 * 3600;
	case 'h':
	case 'H':
		return 3600;
	case 'm':
	case 'M':
		return 60;
	default:
		return 1;
	}
}

/* 90, 5m, 1h30m; "none" and what is no time are 0. */
static int
seconds(const char *value)
{
	long total = 0;

	while (isdigit((unsigned char)*value)) {
		char *end;
		long n = strtol(value, &end, 10);

		if (n > 1000000)
			return 0;
		n *= unit(*end);
		if (isalpha((unsigned char)*end))
			end++;
		total += n;
		if (total > 1000000)
			return 1000000;
		value = end;
	}
	return (int)total;
}

static void
set_family(struct ssh_config *c, const char *value)
{
	if (strcmp(value, "inet") == 0)
		c->family = AF_INET;
	else if (strcmp(value, "inet6") == 0)
		c->family = AF_INET6;
	else
		c->family = AF_UNSPEC;
}

/* What libssh2 cannot honour, unless it is set to one of these values. */
static const struct {
	const char *key, *name;
	const char *harmless[3];
} only_ssh[] = {
	{ "certificatefile", "CertificateFile", { "none" } },
	{ "pkcs11provider", "PKCS11Provider", { "none" } },
	{ "knownhostscommand", "KnownHostsCommand", { "none" } },
	{ "revokedhostkeys", "RevokedHostKeys", { "none" } },
	{ "verifyhostkeydns", "VerifyHostKeyDNS", { "no", "false" } },
	{ "bindaddress", "BindAddress", { "none" } },
	{ "bindinterface", "BindInterface", { "none" } },
	{ "proxyusefdpass", "ProxyUseFdpass", { "no", "false" } },
	{ "setenv", "SetEnv", { "none" } },
	{ "nohostauthenticationforlocalhost",
		"NoHostAuthenticationForLocalhost", { "no", "false" } },
	{ "pubkeyauthentication", "PubkeyAuthentication", { "yes", "true" } },
	{ "checkhostip", "CheckHostIP", { "no", "false" } },
};

static bool
set_only_ssh(struct ssh_config *c, const char *key, const char *value)
{
	size_t i, j;

	for (i = 0; i < sizeof(only_ssh) / sizeof(only_ssh[0]); i++) {
		if (strcmp(only_ssh[i].key, key) != 0)
			continue;
		for (j = 0; j < 3 && only_ssh[i].harmless[j]; j++)
			if (strcmp(only_ssh[i].harmless[j], value) == 0)
				return true;
		need_ssh(c, only_ssh[i].name);
		return true;
	}
	return false;
}

/* Keys whose value is kept as it is; NULL stands for none. */
static bool
set_text(struct ssh_config *c, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **field;
	} table[] = {
		{ "hostname", &c->hostname },
		{ "user", &c->user },
		{ "hostkeyalias", &c->host_key_alias },
		{ "proxyjump", &c->proxy_jump },
		{ "proxycommand", &c->proxy_command },
		{ "controlpath", &c->control_path },
		{ "ciphers", &c->ciphers },
		{ "macs", &c->macs },
		{ "kexalgorithms", &c->kex },
		{ "hostkeyalgorithms", &c->host_key_algorithms },
		{ "pubkeyacceptedalgorithms", &c->key_algorithms },
		{ "pubkeyacceptedkeytypes", &c->key_algorithms },
	};
	bool keep;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].key, key))
			continue;
		/* A host or a user may be called so. */
		keep = table[i].field == &c->hostname ||
			table[i].field == &c->user;
		replace(table[i].field,
			keep || strcmp(value, "none") ? value : NULL);
		return true;
	}
	return false;
}

static bool
set_flag(struct ssh_config *c, const char *key, const char *value)
{
	const struct {
		const char *key;
		bool *field;
	} table[] = {
		{ "identitiesonly", &c->identities_only },
		{ "hashknownhosts", &c->hash_known_hosts },
		{ "batchmode", &c->batch },
		{ "gssapiauthentication", &c->gssapi },
		{ "hostbasedauthentication", &c->hostbased },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].key, key))
			continue;
		*table[i].field = yes(value);
		return true;
	}
	return false;
}

static bool
set_number(struct ssh_config *c, const char *key, const char *value)
{
	if (strcmp(key, "port") == 0)
		c->port = atoi(value);
	else if (strcmp(key, "connecttimeout") == 0)
		c->connect_timeout = seconds(value);
	else if (strcmp(key, "serveraliveinterval") == 0)
		c->alive_interval = seconds(value);
	else if (strcmp(key, "serveralivecountmax") == 0)
		c->alive_count = atoi(value);
	else
		return false;
	return true;
}

bool
ssh_config_set(struct ssh_config *c, const char *key, const char *value)
{
	if (set_text(c, key, value) || set_flag(c, key, value))
		return true;
	if (strcmp(key, "identityfile") == 0)
		set_identity(c, value);
	else if (strcmp(key, "identityagent") == 0)
		set_agent(c, value);
	else if (strcmp(key, "userknownhostsfile") == 0)
		set_paths(&c->user_known_hosts, value);
	else if (strcmp(key, "globalknownhostsfile") == 0)
		set_paths(&c->global_known_hosts, value);
	else if (strcmp(key, "stricthostkeychecking") == 0)
		set_strict(c, value);
	else if (strcmp(key, "addressfamily") == 0)
		set_family(c, value);
	else if (strcmp(key, "remotecommand") == 0)
		c->remote_command = !none(value);
	else if (strcmp(key, "sessiontype") == 0)
		c->session_type = strcmp(value, "default") != 0;
	else
		return set_number(c, key, value) || set_only_ssh(c, key, value);
	return true;
}
