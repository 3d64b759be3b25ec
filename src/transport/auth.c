#include "auth.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "keys.h"
#include "link.h"
#include "prompt.h"
#include "ssh_config.h"

#define PASSPHRASE_TRIES 3

enum outcome { ACCEPTED, REFUSED, BROKEN };

/* What a signature is made of: by sign(), or by libssh2 from the secret. */
struct signer {
	struct auth *auth;
	const struct key *key;
	LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*sign));
	const char *passphrase;
	bool wanted; /* the server would accept this key */
};

static int
sign_by_agent(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
	const unsigned char *data, size_t len, void **abstract)
{
	struct signer *s = *abstract;
	struct buf out = BUF_INIT;
	int64_t since = io_now_ms();
	int rc;

	s->wanted = true;
	rc = agent_sign(s->auth->agent, s->auth->link->t, &s->key->blob, data,
		len, &out);
	link_extend(s->auth->link, since);
	if (rc < 0) {
		buf_release(&out);
		return -1;
	}
	*sig_len = out.len;
	*sig = (unsigned char *)buf_detach(&out);
	return 0;
}

/* Only finds out whether a signature would be worth a passphrase. */
static int
sign_never(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
	const unsigned char *data, size_t len, void **abstract)
{
	struct signer *s = *abstract;

	s->wanted = true;
	return -1;
}

static int64_t
deadline(const struct auth *a)
{
	return io_now_ms() + a->step_ms;
}

static enum outcome
outcome(struct auth *a, int rc, struct error *err)
{
	a->denied = rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
		rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
	if (rc == 0)
		return ACCEPTED;
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return BROKEN;
	if (a->link->ended || a->link->said_why ||
		rc == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
		rc == LIBSSH2_ERROR_SOCKET_RECV) {
		link_broken(a->link, err);
		if (a->tried > 2)
			error_hint(err,
				"the server allows few keys a connection: "
				"name the right one by -i");
		return BROKEN;
	}
	return REFUSED;
}

/*
 * Waits for the server.  An answer that the handshake waits for is its own
 * only if it is the first to read.
 */
static int
await(struct auth *a, int64_t until, struct error *err)
{
	struct link *l = a->link;
	int rc = 0;

	do {
		if (link_wait(l, until, err) < 0)
			return -1;
		if (l->shaking)
			rc = link_shake(l);
	} while (rc == LIBSSH2_ERROR_EAGAIN);
	if (rc == 0)
		return 0;
	return error_status(err, STATUS_CONNECT, "%s offers no way in: %s",
		l->t->o->host, link_error(l));
}

/*
 * The first packet asks whether the key would do, the second is signed: from
 * then on only a second factor could come between us and the channel.
 */
static void
go_ahead(struct signer *s, uint64_t sealed)
{
	struct link *l = s->auth->link;

	if (s->auth->ahead && !s->passphrase && !l->asked && !l->shaking &&
		l->sealed >= sealed + 2)
		link_ask_channel(l);
}

static int
request(struct signer *s)
{
	struct link *l = s->auth->link;
	const char *user = s->auth->config->user;
	const struct key *key = s->key;
	void *abstract = s;
	int rc;

	/* The first answer is the handshake's. */
	link_plug(l, l->shaking);
	if (s->sign)
		rc = libssh2_userauth_publickey(l->session, user,
			(const unsigned char *)key->blob.data, key->blob.len,
			s->sign, &abstract);
	else
		rc = libssh2_userauth_publickey_frommemory(l->session, user,
			strlen(user), NULL, 0, key->secret.data,
			key->secret.len, s->passphrase);
	link_plug(l, false);
	return rc;
}

static enum outcome
ask(struct signer *s, struct error *err)
{
	struct auth *a = s->auth;
	int64_t until = deadline(a);
	uint64_t sealed = a->link->sealed;
	int rc;

	do {
		rc = request(s);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			go_ahead(s, sealed);
	} while (rc == LIBSSH2_ERROR_EAGAIN && await(a, until, err) == 0);
	return outcome(a, rc, err);
}

/* The server wants it, or cannot be asked: the passphrase is needed. */
static enum outcome
by_passphrase(struct auth *a, const struct key *key, struct error *err)
{
	struct signer s = { .auth = a, .key = key };
	enum outcome result = REFUSED;
	char passphrase[1024], *question;
	int tries, rc;

	if (a->config->batch || !prompt_possible()) {
		a->locked = key->name;
		return REFUSED;
	}
	question = mem_printf("Passphrase of %s: ", key->name);
	a->denied = false;
	for (tries = 0;
		tries < PASSPHRASE_TRIES && result == REFUSED && !a->denied;
		tries++) {
		int64_t since = io_now_ms();

		rc = prompt_ask(a->link->t, question, true, passphrase,
			sizeof(passphrase));
		link_extend(a->link, since);
		if (rc < 0 || passphrase[0] == '\0')
			break;
		s.passphrase = passphrase;
		result = ask(&s, err);
	}
	explicit_bzero(passphrase, sizeof(passphrase));
	free(question);
	if (transport_stopped(a->link->t)) {
		transport_interrupted(a->link->t, err);
		return BROKEN;
	}
	return result;
}

static enum outcome
try_key(struct auth *a, const struct key *key, struct error *err)
{
	struct signer s = { .auth = a, .key = key };
	enum outcome result;

	log_debug("trying the key %s", key->name);
	a->tried++;
	if (key->agent) {
		s.sign = sign_by_agent;
		result = ask(&s, err);
		if (result == REFUSED && s.wanted)
			log_warn("the agent does not sign with %s", key->name);
		return result;
	}
	if (!key->encrypted) {
		result = ask(&s, err);
		/* What it is shows only now: it may be RSA. */
		if (result == REFUSED && !key->type)
			a->unsure = true;
		return result;
	}
	if (key->blob.len) {
		s.sign = sign_never;
		result = ask(&s, err);
		if (result != REFUSED || !s.wanted)
			return result;
	}
	return by_passphrase(a, key, err);
}

/* By PubkeyAcceptedAlgorithms. */
static bool
allowed(const struct auth *a, const struct key *key)
{
	struct strv list = STRV_INIT;
	bool is;

	if (!a->config->key_algorithms || !key->type)
		return true;
	strv_split(&list, a->config->key_algorithms, ",");
	is = strv_has(&list, key->type) ||
		(strcmp(key->type, "ssh-rsa") == 0 &&
			(strv_has(&list, "rsa-sha2-512") ||
				strv_has(&list, "rsa-sha2-256")));
	strv_release(&list);
	return is;
}

bool
auth_may_hurry(const struct auth *a)
{
	size_t i;

	for (i = 0; i < a->keys->n; i++) {
		const struct key *key = &a->keys->v[i];

		if (allowed(a, key) && key_usable(key))
			return key->type && strcmp(key->type, "ssh-rsa") != 0 &&
				(key->agent || !key->encrypted);
	}
	return false;
}

enum auth_result
auth_run(struct auth *a, struct error *err)
{
	size_t i;

	for (i = 0; i < a->keys->n; i++) {
		const struct key *key = &a->keys->v[i];

		if (!allowed(a, key))
			continue;
		if (!key_usable(key)) {
			log_debug("the key %s is not for libssh2", key->name);
			a->unsure = true;
			continue;
		}
		switch (try_key(a, key, err)) {
		case ACCEPTED:
			log_verbose("authenticated by the key %s", key->name);
			return AUTH_ACCEPTED;
		case BROKEN:
			return AUTH_FAILED;
		case REFUSED:
			a->unsure = a->unsure || key->certified;
			break;
		}
		/* It has seen a request for a channel out of turn. */
		if (a->link->asked)
			return i + 1 < a->keys->n ? AUTH_AGAIN : AUTH_REFUSED;
	}
	return AUTH_REFUSED;
}
