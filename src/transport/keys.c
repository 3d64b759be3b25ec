#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "known_hosts.h"
#include "ssh_config.h"
#include "sshbuf.h"

#define FILE_MOST 65536
#define RSA_SHA2_SINCE 0x010b00 /* libssh2 1.11 */

static void
key_release(struct key *key)
{
	free(key->name);
	free(key->type);
	buf_release(&key->blob);
	if (key->secret.base)
		explicit_bzero(key->secret.base, key->secret.cap);
	buf_release(&key->secret);
	memset(key, 0, sizeof(*key));
}

void
keys_release(struct keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		key_release(&k->v[i]);
	free(k->v);
	memset(k, 0, sizeof(*k));
}

struct key *
keys_add(struct keys *k)
{
	MEM_GROW(k->v, k->n, k->cap);
	memset(&k->v[k->n], 0, sizeof(k->v[0]));
	return &k->v[k->n++];
}

bool
key_usable(const struct key *key)
{
	if (key->unreadable)
		return false;
	if (!key->type || strcmp(key->type, "ssh-ed25519") == 0)
		return true;
	if (strcmp(key->type, "ssh-rsa") == 0)
		return libssh2_version(RSA_SHA2_SINCE) != NULL;
	return strncmp(key->type, "ecdsa-sha2-nistp", 16) == 0 &&
		!strchr(key->type, '@');
}

static bool
has(const struct key *key, const char *text)
{
	return key->secret.len &&
		memmem(key->secret.data, key->secret.len, text, strlen(text));
}

/*
 * OpenSSH's own form shows the public key without the passphrase: magic,
 * cipher, kdf, its options, count, public key.
 */
static void
parse_openssh(struct key *key)
{
	static const char magic[] = "openssh-key-v1";
	const char *begin, *end;
	struct buf text = BUF_INIT, data = BUF_INIT;
	struct sshbuf in, cipher, skipped, blob;
	uint32_t count;

	begin = strchr(buf_str(&key->secret), '\n');
	end = begin ? strstr(begin, "-----END") : NULL;
	for (; begin && begin < end; begin++)
		if (!strchr(" \t\r\n", *begin))
			buf_addch(&text, *begin);
	if (base64_decode(&data, buf_str(&text), text.len) == 0 &&
		data.len > sizeof(magic) &&
		memcmp(data.data, magic, sizeof(magic)) == 0) {
		in = (struct sshbuf){ data.data + sizeof(magic),
			data.len - sizeof(magic) };
		if (sshbuf_get_string(&in, &cipher) == 0 &&
			sshbuf_get_string(&in, &skipped) == 0 &&
			sshbuf_get_string(&in, &skipped) == 0 &&
			sshbuf_get_u32(&in, &count) == 0 && count == 1 &&
			sshbuf_get_string(&in, &blob) == 0) {
			key->encrypted = !sshbuf_is(&cipher, "none");
			/* libssh2 has no ciphers that authenticate. */
			key->unreadable = key->encrypted &&
				memchr(cipher.p, '@', cipher.len);
			key->type = known_hosts_type(blob.p, blob.len);
			buf_add(&key->blob, blob.p, blob.len);
		}
	}
	if (data.base)
		explicit_bzero(data.base, data.cap);
	if (text.base)
		explicit_bzero(text.base, text.cap);
	buf_release(&data);
	buf_release(&text);
}

void
key_parse(struct key *key)
{
	if (has(key, "BEGIN OPENSSH PRIVATE KEY"))
		parse_openssh(key);
	else if (has(key, "BEGIN RSA PRIVATE KEY"))
		key->type = mem_strdup("ssh-rsa");
	else if (has(key, "BEGIN DSA PRIVATE KEY"))
		key->type = mem_strdup("ssh-dss");
	else if (!has(key, "PRIVATE KEY"))
		key->unreadable = true;
	if (has(key, "Proc-Type: 4,ENCRYPTED") ||
		has(key, "BEGIN ENCRYPTED PRIVATE KEY"))
		key->encrypted = true;
}

/* "ssh-ed25519 AAAA... comment" */
static void
parse_public(struct key *key, const char *text)
{
	struct strv words = STRV_INIT;

	strv_split(&words, text, " \t\r\n");
	if (words.n >= 2 && key->blob.len == 0 &&
		base64_decode(&key->blob, words.v[1], strlen(words.v[1])) ==
			0) {
		free(key->type);
		key->type = known_hosts_type(key->blob.data, key->blob.len);
	}
	strv_release(&words);
}

/* The public half beside it: needed where the private one hides it. */
static void
read_public(struct key *key, const char *path)
{
	char *public = mem_printf("%s.pub", path);
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (io_read_file(AT_FDCWD, public, FILE_MOST, &text, &ignored) == 0)
		parse_public(key, buf_str(&text));
	buf_release(&text);
	free(public);
}

static bool
has_certificate(const char *path)
{
	char *name = mem_printf("%s-cert.pub", path);
	bool has_one = access(name, R_OK) == 0;

	free(name);
	return has_one;
}

static void
read_identity(struct keys *files, const char *path, bool given)
{
	struct key key = { .name = mem_strdup(path) };
	struct error err = ERROR_INIT;

	if (io_read_file(AT_FDCWD, path, FILE_MOST, &key.secret, &err) < 0) {
		if (given || errno != ENOENT)
			log_warn("identity %s", err.text);
		buf_clear(&key.secret);
	} else if (!has(&key, "PRIVATE KEY")) {
		/* A public key: the agent has the rest. */
		parse_public(&key, buf_str(&key.secret));
		buf_clear(&key.secret);
	} else {
		key_parse(&key);
	}
	if (key.blob.len == 0)
		read_public(&key, path);
	key.given = given;
	key.certified = has_certificate(path);
	if (key.blob.len == 0 && key.secret.len == 0)
		key_release(&key);
	else
		*keys_add(files) = key;
}

static int
from_environment(struct keys *k, const char *text, struct error *err)
{
	struct key *key = keys_add(k);

	key->name = mem_strdup("DEPLOY_KEY");
	/* Web forms add carriage returns, and take the last newline away. */
	for (; *text; text++)
		if (*text != '\r')
			buf_addch(&key->secret, *text);
	buf_addch(&key->secret, '\n');
	if (!has(key, "PRIVATE KEY")) {
		error_status(err, STATUS_CONNECT,
			"DEPLOY_KEY does not hold a private key");
		return error_hint(err,
			"it is the text of the file, from -----BEGIN to "
			"-----END");
	}
	key_parse(key);
	return 0;
}

static struct key *
find(struct keys *k, const struct buf *blob)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (blob->len && k->v[i].blob.len == blob->len &&
			memcmp(k->v[i].blob.data, blob->data, blob->len) == 0)
			return &k->v[i];
	return NULL;
}

/* Moves a key over; its place stays, empty. */
static void
move(struct keys *to, struct key *key)
{
	*keys_add(to) = *key;
	memset(key, 0, sizeof(*key));
}

static void
put_in_order(struct keys *k, struct keys *files, struct keys *agents,
	bool identities_only)
{
	size_t i;

	for (i = 0; i < files->n; i++) {
		struct key *held = find(agents, &files->v[i].blob);

		if (held) {
			held->certified = files->v[i].certified;
			move(k, held);
			key_release(&files->v[i]);
		}
	}
	for (i = 0; i < files->n; i++)
		if (files->v[i].given && files->v[i].secret.len)
			move(k, &files->v[i]);
	for (i = 0; i < agents->n && !identities_only; i++)
		if (agents->v[i].name)
			move(k, &agents->v[i]);
	for (i = 0; i < files->n; i++)
		if (files->v[i].secret.len)
			move(k, &files->v[i]);
}

int
keys_collect(struct keys *k, const struct transport *t,
	const struct ssh_config *c, int agent, struct error *err)
{
	const char *text = getenv("DEPLOY_KEY");
	struct keys files = { NULL, 0, 0 }, agents = { NULL, 0, 0 };
	size_t i;

	if (text && *text)
		return from_environment(k, text, err);
	for (i = 0; i < c->identities.n; i++)
		read_identity(&files, c->identities.v[i],
			strv_has(&t->o->identities, c->identities.v[i]));
	if (agent >= 0 && agent_list(agent, t, &agents) < 0)
		log_warn("the agent at %s does not answer", c->agent);
	put_in_order(k, &files, &agents, c->identities_only);
	keys_release(&files);
	keys_release(&agents);
	return 0;
}
