#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "base/error.h"
#include "base/io.h"
#include "base/mem.h"
#include "builtin_parts.h"
#include "deadline.h"
#include "hostkey.h"
#include "internal.h"
#include "prompt.h"
#include "ssh_config.h"

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

int
builtin_need_keys(struct builtin *b)
{
	size_t i;

	if (any_usable(&b->keys))
		return 0;
	for (i = 0; i < b->keys.n; i++)
		if (b->keys.v[i].encrypted && !prompt_possible())
			note_locked(b, b->keys.v[i].name);
	if (b->keys.n)
		return builtin_leave(b,
			"libssh2 " LIBSSH2_VERSION
			" cannot sign with any of the keys at hand");
	return builtin_leave(b, "there is no key, but there may be other ways");
}

bool
builtin_may_hurry(struct builtin *b)
{
	const struct auth a = { .config = b->c, .keys = &b->keys };

	return !b->careful && b->link.sealed && link_reads_ahead(&b->link) &&
		auth_may_hurry(&a);
}

/* Nobody is asked twice about one key. */
int
builtin_verify_host(struct builtin *b, struct error *err)
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
		return builtin_leave(b,
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

int
builtin_authenticate(struct builtin *b, struct error *err)
{
	struct auth a = { .link = &b->link,
		.config = b->c,
		.keys = &b->keys,
		.agent = b->agent,
		.step_ms = deadline_answer(b->t->o, b->c),
		.ahead = !b->careful && link_reads_ahead(&b->link) };

	int rc = builtin_need_keys(b);

	if (rc != 0)
		return rc;
	switch (auth_run(&a, err)) {
	case AUTH_ACCEPTED:
		b->t->report.authenticated_ms = transport_elapsed(b->t);
		return 0;
	case AUTH_REFUSED:
		return refused(b, &a, err);
	case AUTH_AGAIN:
		return BUILTIN_AGAIN;
	case AUTH_FAILED:
		break;
	}
	return -1;
}
