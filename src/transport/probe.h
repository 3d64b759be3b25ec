/* What key a host shows, where only ssh can talk to it. */
#ifndef TRANSPORT_PROBE_H
#define TRANSPORT_PROBE_H

struct error;
struct ssh_config;
struct transport;

/*
 * After ssh has refused a host: has ssh fetch the key, without logging in
 * and without trusting it, and says as for libssh2 what is wrong with it.
 * -1 with err; 0 if nothing was found out.
 */
int probe_explain(struct transport *t, const struct ssh_config *c,
	struct error *err);

#endif
