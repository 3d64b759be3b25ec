/* ProxyCommand and ProxyJump: a program carries the bytes. */
#ifndef TRANSPORT_PROXY_H
#define TRANSPORT_PROXY_H

struct connection;
struct error;
struct ssh_config;
struct transport;

/* -1 if it has a token that is not known here. */
int proxy_check(const struct ssh_config *c);
int proxy_open(struct connection *n, struct transport *t,
	const struct ssh_config *c, struct error *err);
void proxy_close(struct connection *n);

#endif
