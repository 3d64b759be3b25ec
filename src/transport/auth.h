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
	bool ahead;  /* what follows a signature is sent behind it */
	/* Filled: */
	int tried;          /* keys that the server was shown */
	bool unsure;        /* one failed that might do with ssh */
	bool denied;        /* the last one by the server, not by us */
	const char *locked; /* one is encrypted, and there is no terminal */
};

/*
 * Whether the first request may go out before the server has answered that
 * keys are welcome: the answer may say what an RSA key is to sign with.
 */
bool auth_may_hurry(const struct auth *a);
enum auth_result {
	AUTH_ACCEPTED,
	AUTH_REFUSED, /* every key */
	AUTH_AGAIN,   /* on a new link, not `ahead': it left keys untried */
	AUTH_FAILED,  /* with err */
};

enum auth_result auth_run(struct auth *a, struct error *err);

#endif
