#include "methods.h"

#include <libssh2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strv.h"
#include "known_hosts.h"
#include "link.h"
#include "ssh_config.h"

#define KEX \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256," \
	"ecdh-sha2-nistp384,ecdh-sha2-nistp521," \
	"diffie-hellman-group-exchange-sha256," \
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512," \
	"diffie-hellman-group14-sha256"
#define HOST_KEYS \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384," \
	"ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
#define CIPHERS \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr," \
	"aes192-ctr,aes256-ctr"
#define MACS \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com," \
	"hmac-sha2-256,hmac-sha2-512"

/* Whether libssh2 has it; a list that cannot be got has everything. */
static bool
supported(const struct link *l, int method, const char *name)
{
	const char **list = NULL;
	int n = libssh2_session_supported_algs(l->session, method, &list);
	bool found = n <= 0;
	int i;

	for (i = 0; i < n && !found; i++)
		found = strcmp(list[i], name) == 0;
	if (n > 0)
		libssh2_free(l->session, (void *)list);
	return found;
}

/* Those of ours that libssh2 has and the user allows, in our order. */
static void
choose(const struct link *l, int method, const char *ours, const char *allowed,
	struct buf *out)
{
	struct strv names = STRV_INIT, filter = STRV_INIT;
	size_t i;

	strv_split(&names, ours, ",");
	strv_split(&filter, allowed ? allowed : "", ",");
	for (i = 0; i < names.n; i++) {
		if (filter.n && !strv_has(&filter, names.v[i]))
			continue;
		if (!supported(l, method, names.v[i]))
			continue;
		if (out->len)
			buf_addch(out, ',');
		buf_addstr(out, names.v[i]);
	}
	strv_release(&names);
	strv_release(&filter);
}

static bool
set(const struct link *l, int method, const char *ours, const char *allowed)
{
	struct buf list = BUF_INIT;
	bool ok;

	choose(l, method, ours, allowed, &list);
	ok = list.len &&
		libssh2_session_method_pref(l->session, method, list.data) == 0;
	buf_release(&list);
	return ok;
}

/* A host that is known is to show a key that is known. */
static bool
known_first(const struct known_hosts *known, const char *list)
{
	size_t n = strcspn(list, ",");
	char *first = mem_strndup(list, n);
	bool is = known_hosts_has(known,
		strncmp(first, "rsa-", 4) == 0 ? "ssh-rsa" : first);

	free(first);
	return is;
}

static const char *
set_host_keys(const struct link *l, const struct known_hosts *known,
	const struct ssh_config *c)
{
	struct buf list = BUF_INIT, ordered = BUF_INIT;
	const char *why = NULL;

	choose(l, LIBSSH2_METHOD_HOSTKEY, HOST_KEYS, c->host_key_algorithms,
		&list);
	known_hosts_order(known, buf_str(&list), &ordered);
	if (!ordered.len ||
		libssh2_session_method_pref(l->session, LIBSSH2_METHOD_HOSTKEY,
			buf_str(&ordered)) != 0)
		why = "HostKeyAlgorithms";
	else if (known_hosts_any(known) &&
		!known_first(known, buf_str(&ordered)))
		why = "the keys by which the host is known";
	buf_release(&list);
	buf_release(&ordered);
	return why;
}

int
methods_set(const struct link *l, const struct known_hosts *known,
	const struct ssh_config *c, char **why)
{
	const char *what = set_host_keys(l, known, c);

	if (!what && !set(l, LIBSSH2_METHOD_KEX, KEX, c->kex))
		what = "KexAlgorithms";
	if (!what &&
		!(set(l, LIBSSH2_METHOD_CRYPT_CS, CIPHERS, c->ciphers) &&
			set(l, LIBSSH2_METHOD_CRYPT_SC, CIPHERS, c->ciphers)))
		what = "Ciphers";
	if (!what &&
		!(set(l, LIBSSH2_METHOD_MAC_CS, MACS, c->macs) &&
			set(l, LIBSSH2_METHOD_MAC_SC, MACS, c->macs)))
		what = "MACs";
	if (!what)
		return 0;
	*why = mem_printf("libssh2 " LIBSSH2_VERSION " does not have %s", what);
	return 1;
}
