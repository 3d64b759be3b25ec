#include "builtin.h"

#include <libssh2.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/confine.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "builtin_parts.h"
#include "deadline.h"
#include "hostkey.h"
#include "internal.h"
#include "methods.h"
#include "prompt.h"
#include "proxy.h"
#include "pump.h"
#include "ssh_config.h"

#define PROXY_QUESTION_MS 120000

static int64_t
answer_until(const struct builtin *b)
{
	return io_now_ms() + deadline_answer(b->t->o, b->c);
}

int
builtin_leave(struct builtin *b, const char *why)
{
	*b->why = mem_strdup(why);
	return BUILTIN_LEAVE;
}

/*
 * What can be decided before the first packet.  An unknown host is not left
 * to ssh for want of keys: the question about it is ours.
 */
static int
prepare(struct builtin *b, struct error *err)
{
	if (proxy_check(b->c) < 0)
		return builtin_leave(b,
			"ProxyCommand or ProxyJump holds a token that we do not "
			"know");
	hostkey_load(&b->known, b->c);
	if (known_hosts_authority(&b->known) && !known_hosts_any(&b->known))
		return builtin_leave(b,
			"the host is known by a certificate authority");
	if (b->c->agent)
		b->agent = agent_open(b->c->agent);
	if (keys_collect(&b->keys, b->t, b->c, b->agent, err) < 0)
		return -1;
	return known_hosts_any(&b->known) ? builtin_need_keys(b) : 0;
}

static int
judge_handshake(struct builtin *b, int rc, struct error *err)
{
	if (rc == LIBSSH2_ERROR_KEX_FAILURE ||
		rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
		rc == LIBSSH2_ERROR_METHOD_NONE)
		return builtin_leave(b,
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
	} while (rc == LIBSSH2_ERROR_EAGAIN && !builtin_may_hurry(b) &&
		link_wait(l, until, err) == 0);
	if (rc == LIBSSH2_ERROR_EAGAIN && !builtin_may_hurry(b))
		return -1;
	if (rc != 0 && rc != LIBSSH2_ERROR_EAGAIN)
		return judge_handshake(b, rc, err);
	b->t->report.keys_ms = transport_elapsed(b->t);
	return 0;
}

static int
start_deployd(struct builtin *b, struct error *err)
{
	struct link *l = &b->link;
	int64_t until = answer_until(b), since;
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
	since = io_now_ms();
	while ((rc = libssh2_channel_exec(b->channel, b->command)) ==
		LIBSSH2_ERROR_EAGAIN)
		if (link_wait(l, until, err) < 0)
			return -1;
	atomic_store(&b->t->rtt, (int)(io_now_ms() - since));
	if (rc != 0)
		return error_status(err, STATUS_CONNECT,
			"%s runs no command for %s: %s", b->t->o->host,
			b->c->user, link_error(l));
	b->t->report.exec_ms = transport_elapsed(b->t);
	log_verbose("transport: libssh2 " LIBSSH2_VERSION);
	return 0;
}

/*
 * Keys, known hosts and the proxy are open by now: from here on this thread,
 * which parses what the server sends, needs nothing but its descriptors.
 */
static int
give_up_files(struct error *err)
{
	static const struct confine nothing = { .others = true };
	int rc = confine_privileges(err);

	if (rc == CONFINED)
		rc = confine_files(&nothing, err);
	if (rc == CONFINE_UNKNOWN)
		log_debug("this kernel cannot confine the transport");
	return rc < 0 ? -1 : 0;
}

static int
steps(struct builtin *b, int *status, struct error *err)
{
	int rc;

	if (link_open(&b->link, err) < 0)
		return -1;
	if (methods_set(&b->link, &b->known, b->c, b->why))
		return BUILTIN_LEAVE;
	rc = shake_hands(b, err);
	if (rc != 0)
		return rc;
	if (builtin_verify_host(b, err) < 0)
		return -1;
	rc = builtin_authenticate(b, err);
	if (rc != 0)
		return rc;
	if (start_deployd(b, err) < 0 || give_up_files(err) < 0)
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
	if (rc == BUILTIN_AGAIN) {
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
