/*
 * What an attempt by libssh2 consists of: builtin.c connects, shakes hands and
 * starts the remote program, builtin_login.c decides about the host and logs
 * in.
 */
#ifndef TRANSPORT_BUILTIN_PARTS_H
#define TRANSPORT_BUILTIN_PARTS_H

#include <libssh2.h>
#include <stdbool.h>

#include "base/buf.h"
#include "keys.h"
#include "known_hosts.h"
#include "link.h"

struct error;
struct ssh_config;
struct transport;

#define BUILTIN_LEAVE 1 /* ssh is to do it, with `why' */
#define BUILTIN_AGAIN 2 /* on a new connection, one request at a time */

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

int builtin_leave(struct builtin *b, const char *why);
/* Without a key that libssh2 can sign with, ssh is to try; else 0. */
int builtin_need_keys(struct builtin *b);
/*
 * Whether to go on although the handshake's last answer, that there is a way
 * to log in, is not here yet.
 */
bool builtin_may_hurry(struct builtin *b);
int builtin_verify_host(struct builtin *b, struct error *err);
int builtin_authenticate(struct builtin *b, struct error *err);

#endif
