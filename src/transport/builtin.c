#include "builtin.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "auth.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "deadline.h"
#include "hostkey.h"
#include "internal.h"
#include "keys.h"
#include "link.h"
#include "methods.h"
#include "prompt.h"
#include "proxy.h"
#include "pump.h"
#include "ssh_config.h"

#define PROXY_QUESTION_MS 120000

#define LEAVE 1 /* ssh is to do it, with `why' */
#define AGAIN 2 /* on a new connection, one request at a time */

/* One attempt; steps return 0, -1 or one of these. */
struct builtin {
	struct transport *t;
	const struct ssh_config *c;
	struct link link;
	struct known_hosts known;
	struct keys keys;
	int agent;
	char *command;
	bool careful;        /* nothing is sent ahead */
	struct buf verified; /* the host's key, once judged */
	LIBSSH2_CHANNEL *channel;
	char **why, **note;
};

static int64_t
answer_until(const struct builtin *b)
{
	return io_now_ms() + deadline_answer(b->t->o, b->c);
}

static int
leave_to_ssh(struct builtin *b, const char *why)
{
	*b->why = mem_strdup(why);
	return LEAVE;
}

static bool
any_usable(const struct keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (key_usable(&k->v[i]))
			return true;
	return false;
}

/* What to tell if ssh cannot ask for a passphrase either. */
static void
note_locked(struct builtin *b, const char *name)
{
	if (!*b->note)
		*b->note = mem_printf("%s is encrypted, and there is no "
				      "terminal to ask for its passphrase: "
				      "use ssh-add first",
			name);
}

static int
leave_keys_to_ssh(struct builtin *b)
{
	size_t i;

	for (i = 0; i < b->keys.n; i++)
		if (b->keys.v[i].encrypted && !prompt_possible())
			note_locked(b, b->keys.v[i].name);
	if (b->keys.n)
		return leave_to_ssh(b,
			"libssh2 " LIBSSH2_VERSION
			" cannot sign with any of the keys at hand");
	return leave_to_ssh(b, "there is no key, but there may be other ways");
}

/*
 * What can be decided before the first packet.  An unknown host is not left
 * to ssh for want of keys: the question about it is ours.
 */
static int
prepare(struct builtin *b, struct error *err)
{
	if (proxy_check(b->c) < 0)
		return leave_to_ssh(b,
			"ProxyCommand or ProxyJump holds a token that we do not "
			"know");
	hostkey_load(&b->known, b->c);
	if (known_hosts_authority(&b->known) && !known_hosts_any(&b->known))
		return leave_to_ssh(b,
			"the host is known by a certificate authority");
	if (b->c->agent)
		b->agent = agent_open(b->c->agent);
	if (keys_collect(&b->keys, b->t, b->c, b->agent, err) < 0)
		return -1;
	if (!any_usable(&b->keys) && known_hosts_any(&b->known))
		return leave_keys_to_ssh(b);
	return 0;
}

/*
 * Whether to go on although the handshake's last answer, that there is a way
 * to log in, is not here yet.
 */
static bool
may_hurry(struct builtin *b)
{
	const struct auth a = { .config = b->c, .keys = &b->keys };

	return !b->careful && b->link.sealed && link_reads_ahead(&b->link) &&
		auth_may_hurry(&a);
}

static int
judge_handshake(struct builtin *b, int rc, struct error *err)
{
	if (rc == LIBSSH2_ERROR_KEX_FAILURE ||
		rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
		rc == LIBSSH2_ERROR_METHOD_NONE)
		return leave_to_ssh(b,
			"libssh2 " LIBSSH2_VERSION
			" and the server have no algorithms in common");
	return error_status(err, STATUS_CONNECT,
		"%s does not speak SSH as it should: %s", b->t->o->host,
		link_error(&b->link));
}

static int
shake_hands(struct builtin *b, struct error *err)
{
	struct link *l = &b->link;
	int wait = deadline_connect(b->t->o, b->c), rc;
	int64_t until = io_now_ms() + wait;

	if (connection_open(&l->connection, b->t, b->c, until, err) < 0)
		return -1;
	b->t->report.connected_ms = transport_elapsed(b->t);
	atomic_store(&b->t->heard, io_now_ms());
	until = io_now_ms() + wait;
	/* The proxy may have a question to somebody. */
	if (l->connection.proxy && prompt_possible()) {
		until += PROXY_QUESTION_MS;
		l->until += PROXY_QUESTION_MS;
	}
	do {
		rc = link_shake(l);
	} while (rc == LIBSSH2_ERROR_EAGAIN && !may_hurry(b) &&
		link_wait(l, until, err) == 0);
	if (rc == LIBSSH2_ERROR_EAGAIN && !may_hurry(b))
		return -1;
	if (rc != 0 && rc != LIBSSH2_ERROR_EAGAIN)
		return judge_handshake(b, rc, err);
	b->t->report.keys_ms = transport_elapsed(b->t);
	return 0;
}

/* Nobody is asked twice about one key. */
static int
verify_host(struct builtin *b, struct error *err)
{
	size_t len = 0;
	const char *blob = libssh2_session_hostkey(b->link.session, &len, NULL);
	int64_t since = io_now_ms();
	int rc;

	if (blob && len && len == b->verified.len &&
		memcmp(blob, b->verified.data, len) == 0)
		return 0;
	rc = hostkey_judge(b->t, b->link.connection.address, &b->known, b->c,
		blob, len, err);
	link_extend(&b->link, since);
	buf_clear(&b->verified);
	buf_add(&b->verified, blob ? blob : "", rc == 0 ? len : 0);
	return rc;
}

/* Whether ssh knows other ways in than keys that could work here. */
static bool
other_ways(const struct builtin *b)
{
	char path[64];

	if (b->c->hostbased)
		return true;
	snprintf(path, sizeof(path), "/tmp/krb5cc_%lu",
		(unsigned long)getuid());
	if (b->c->gssapi && (getenv("KRB5CCNAME") || access(path, R_OK) == 0))
		return true;
	/* A password, or a second factor. */
	return !b->c->batch && prompt_possible() && !getenv("DEPLOY_KEY");
}

static int
refused(struct builtin *b, const struct auth *a, struct error *err)
{
	const char *user = b->c->user;

	if (a->locked)
		note_locked(b, a->locked);
	if (a->unsure || (b->c->have_ssh && other_ways(b)))
		return leave_to_ssh(b,
			a->unsure ? "libssh2 " LIBSSH2_VERSION
				    " cannot sign with every key at hand" :
				    "the server accepts no key of ours");
	if (a->locked) {
		error_status(err, STATUS_CONNECT,
			"%s does not let %s in: %s is encrypted, and there "
			"is no terminal to ask for its passphrase",
			b->t->o->host, user, a->locked);
		if (getenv("DEPLOY_KEY"))
			return error_hint(err,
				"DEPLOY_KEY has to be a key without one");
		return error_hint(err, "ssh-add %s", a->locked);
	}
	if (b->keys.n == 1)
		error_status(err, STATUS_CONNECT,
			"%s does not let %s in: it does not accept the key %s",
			b->t->o->host, user, b->keys.v[0].name);
	else
		error_status(err, STATUS_CONNECT,
			"%s does not let %s in: it accepts none of the %zu "
			"keys at hand",
			b->t->o->host, user, b->keys.n);
	return error_hint(err,
		"the public key belongs into ~%s/.ssh/authorized_keys there "
		"(ssh-copy-id)",
		user);
}

static int
authenticate(struct builtin *b, struct error *err)
{
	struct auth a = { .link = &b->link,
		.config = b->c,
		.keys = &b->keys,
		.agent = b->agent,
		.step_ms = deadline_answer(b->t->o, b->c),
		.ahead = !b->careful && link_reads_ahead(&b->link) };

	if (!any_usable(&b->keys))
		return leave_keys_to_ssh(b);
	switch (auth_run(&a, err)) {
	case AUTH_ACCEPTED:
		b->t->report.authenticated_ms = transport_elapsed(b->t);
		return 0;
	case AUTH_REFUSED:
		return refused(b, &a, err);
	case AUTH_AGAIN:
		return AGAIN;
	case AUTH_FAILED:
		break;
	}
	return -1;
}

static int
start_deployd(struct builtin *b, struct error *err)
{
	struct link *l = &b->link;
	int64_t until = answer_until(b);
	int rc = LIBSSH2_ERROR_EAGAIN;

	while (!(b->channel = libssh2_channel_open_session(l->session))) {
		rc = libssh2_session_last_errno(l->session);
		if (rc != LIBSSH2_ERROR_EAGAIN)
			return error_status(err, STATUS_CONNECT,
				"%s opens no session: %s", b->t->o->host,
				link_error(l));
		if (link_wait(l, until, err) < 0)
			return -1;
	}
	while ((rc = libssh2_channel_exec(b->channel, b->command)) ==
		LIBSSH2_ERROR_EAGAIN)
		if (link_wait(l, until, err) < 0)
			return -1;
	if (rc != 0)
		return error_status(err, STATUS_CONNECT,
			"%s runs no command for %s: %s", b->t->o->host,
			b->c->user, link_error(l));
	b->t->report.exec_ms = transport_elapsed(b->t);
	log_verbose("transport: libssh2 " LIBSSH2_VERSION);
	return 0;
}

static int
steps(struct builtin *b, int *status, struct error *err)
{
	int rc;

	if (link_open(&b->link, err) < 0)
		return -1;
	if (methods_set(&b->link, &b->known, b->c, b->why))
		return LEAVE;
	rc = shake_hands(b, err);
	if (rc != 0)
		return rc;
	if (verify_host(b, err) < 0)
		return -1;
	rc = authenticate(b, err);
	if (rc != 0)
		return rc;
	if (start_deployd(b, err) < 0)
		return -1;
	return pump_run(&b->link, b->channel, b->command,
		deadline_alive(b->t->o, b->c), status, err);
}

/*
 * A server that wants two keys, or a second factor, has refused the first
 * signature while more was on its way.
 */
static int
try(struct builtin *b, int *status, struct error *err)
{
	int rc = prepare(b, err);

	if (rc == 0)
		rc = steps(b, status, err);
	if (rc == AGAIN) {
		log_debug("once more, one request at a time");
		b->careful = true;
		link_close(&b->link);
		link_init(&b->link, b->t, b->link.until);
		rc = steps(b, status, err);
	}
	return rc;
}

int
builtin_run(struct transport *t, const struct ssh_config *c, char **why,
	char **note, struct error *err)
{
	struct builtin b = { .t = t, .c = c, .agent = -1 };
	int rc = -1, status = -1;

	b.why = why;
	b.note = note;
	link_init(&b.link, t, io_now_ms() + deadline_start(t->o, c));
	strcpy(t->report.kind, "libssh2");
	b.command = transport_command(t->o, err);
	if (b.command)
		rc = try(&b, &status, err);
	link_close(&b.link);
	if (rc == 0)
		rc = transport_judge(t, status, err);
	io_close(&b.agent);
	known_hosts_release(&b.known);
	keys_release(&b.keys);
	buf_release(&b.verified);
	free(b.command);
	return rc;
}
