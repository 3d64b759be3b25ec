/* libssh2 as the transport, on a configuration that was read already. */
#ifndef TRANSPORT_BUILTIN_H
#define TRANSPORT_BUILTIN_H

struct error;
struct ssh_config;
struct transport;

/*
 * Connects and relays until the end: 0, or -1 with err.  1: libssh2 cannot
 * do it but ssh might; nothing was sent to the peer yet, the host's key was
 * not found wrong, and *why, to be freed, says what is missing.  *note, to
 * be freed too, may hold what to add if ssh fails as well.
 */
int builtin_run(struct transport *t, const struct ssh_config *c, char **why,
	char **note, struct error *err);

#endif
