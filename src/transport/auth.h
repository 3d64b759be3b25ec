/* Authentication by keys, on a link whose host has been verified. */
#ifndef TRANSPORT_AUTH_H
#define TRANSPORT_AUTH_H

#include <stdbool.h>

struct error;
struct keys;
struct link;
struct ssh_config;

struct auth {
	struct link *link;
	const struct ssh_config *config;
	struct keys *keys;
	int agent;   /* the connection to ssh-agent, or -1 */
	int step_ms; /* how long the server may take for an answer */
	/* Filled: */
	int tried;          /* keys that the server was shown */
	bool unsure;        /* one failed that might do with ssh */
	bool denied;        /* the last one by the server, not by us */
	const char *locked; /* one is encrypted, and there is no terminal */
};

/* 1 authenticated, 0 every key was refused, -1 with err. */
int auth_run(struct auth *a, struct error *err);

#endif
