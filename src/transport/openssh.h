/* OpenSSH's client as the transport, and the arguments it shares. */
#ifndef TRANSPORT_OPENSSH_H
#define TRANSPORT_OPENSSH_H

#include <stdbool.h>

#include "base/strv.h"

struct error;
struct ssh_config;
struct transport;
struct transport_options;

/* The options that the user gave us, as ssh has them, all but the user. */
void openssh_options(struct strv *argv, const struct transport_options *o);
/*
 * An interrupt at the keyboard goes to every program in the foreground, and so
 * does the end of the terminal, but ssh must live on for us to tell the server:
 * it leaves an ignored signal ignored.  For sh -c, with the program as
 * arguments.
 */
#define OPENSSH_SHIELD "trap '' INT QUIT HUP; exec \"$@\""

/*
 * For ssh to a jump: what DEPLOY_KEY and DEPLOY_KNOWN_HOSTS hold is good there
 * too, beside what ssh has.  fds are to be closed when it has logged in.
 */
int openssh_jump_secrets(struct strv *argv, int fds[static 2],
	struct error *err);
/* Whether a connection of ssh's own is open, which it would share. */
bool openssh_master(const struct ssh_config *c);

/*
 * Runs ssh and relays until it ends.  c is NULL where ssh's configuration was
 * not asked for: DEPLOY_SSH need not be OpenSSH's.  `note' is added to a
 * failure, may be NULL.
 */
int openssh_run(struct transport *t, const struct ssh_config *c,
	const char *note, struct error *err);

#endif
