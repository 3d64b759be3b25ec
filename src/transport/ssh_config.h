/*
 * What the user's ssh_config says of a host, as `ssh -G` prints it.
 *
 *	ssh_config_init(&c, "web1");      ssh's own defaults
 *	ssh_config_parse(&c, text);       lines of `ssh -G`
 *	ssh_config_read(&c, options, &err);   both, by running ssh
 *
 * Without OpenSSH's client the defaults stand, and -o, -p, -i are honoured
 * as far as they are understood here.
 */
#ifndef TRANSPORT_SSH_CONFIG_H
#define TRANSPORT_SSH_CONFIG_H

#include <stdbool.h>

#include "base/strv.h"

struct buf;
struct error;
struct transport_options;

enum strict {
	STRICT_ASK, /* an unknown host is asked about */
	STRICT_YES,
	STRICT_ACCEPT_NEW,
	STRICT_NO, /* a changed key is a warning only */
};

struct ssh_config {
	char *home, *login; /* of the account that runs us */
	bool have_account;  /* it is one: ssh runs for no other */
	char *host;         /* as typed */
	char *hostname, *user;
	int port;
	int family;
	struct strv identities; /* paths */
	bool identities_given;  /* by the user: not ssh's defaults */
	struct strv user_known_hosts, global_known_hosts;
	char *agent; /* a socket's path, or NULL: none */
	bool identities_only;
	char *host_key_alias;                            /* or NULL */
	char *proxy_jump, *proxy_command, *control_path; /* or NULL */
	int connect_timeout; /* seconds, 0: none said */
	int alive_interval, alive_count;
	enum strict strict;
	bool hash_known_hosts, batch;
	bool gssapi, hostbased;            /* what ssh may try beside keys */
	bool remote_command, session_type; /* to be overridden for ssh */
	/* What libssh2 may use at most, comma-separated; NULL: anything. */
	char *ciphers, *macs, *kex, *host_key_algorithms, *key_algorithms;
	char *needs_ssh; /* the first thing that only ssh can do, or NULL */
	bool have_ssh;   /* ssh is installed, and would run */
};

void ssh_config_init(struct ssh_config *c, const char *host);
void ssh_config_release(struct ssh_config *c);
void ssh_config_parse(struct ssh_config *c, const char *text);
/* One keyword and its value; false if the keyword is not known here. */
bool ssh_config_set(struct ssh_config *c, const char *key, const char *value);
int ssh_config_read(struct ssh_config *c, const struct transport_options *o,
	struct error *err);
/*
 * Adds s with a leading ~, %h and its like, and ${NAME} expanded; -1 if it
 * holds one that is not known here.
 */
int ssh_config_expand(const struct ssh_config *c, const char *s,
	struct buf *out);
/* Whether a program can be found in PATH. */
bool ssh_config_program(const char *name);

#endif
