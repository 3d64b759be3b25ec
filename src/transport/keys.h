/*
 * The keys to try, in ssh's order: those of identity files that the agent
 * holds, the agent's others, the identity files themselves.  Only what was
 * given by -i comes before the agent's others: a server lets few be tried.
 */
#ifndef TRANSPORT_KEYS_H
#define TRANSPORT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct error;
struct ssh_config;
struct transport;

struct key {
	char *name; /* a path, or the agent's comment: for messages */
	char *type; /* ssh-ed25519, or NULL: not known before it is opened */
	struct buf blob;   /* the public key; empty: not known */
	struct buf secret; /* the private key's text; empty: the agent's */
	bool agent;
	bool given;     /* by -i */
	bool certified; /* a certificate, for ssh alone, lies beside it */
	bool encrypted;
	bool unreadable; /* in a way that libssh2 does not understand */
};

struct keys {
	struct key *v;
	size_t n, cap;
};

void keys_release(struct keys *k);
struct key *keys_add(struct keys *k);
/*
 * Fills k for a host: DEPLOY_KEY alone where that is set, else identity files
 * and the agent's (at fd, or -1).  Files that do not exist are passed over,
 * with a warning where the user named them by -i.
 */
int keys_collect(struct keys *k, const struct transport *t,
	const struct ssh_config *c, int agent, struct error *err);
/* Whether libssh2 can sign with it so that a server of today accepts. */
bool key_usable(const struct key *key);
/* Reads a private key's text: type, blob, encrypted, as far as it shows. */
void key_parse(struct key *key);

#endif
