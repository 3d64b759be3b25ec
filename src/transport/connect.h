/*
 * The stream that SSH is spoken on: a TCP connection, or a socketpair to the
 * program that ProxyCommand or ProxyJump ask for.
 */
#ifndef TRANSPORT_CONNECT_H
#define TRANSPORT_CONNECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct ssh_config;
struct transport;

struct connection {
	int fd; /* non-blocking; -1: none */
	bool tcp;
	bool jump;        /* the proxy is ssh, with buffers as large as ours */
	pid_t proxy;      /* 0: none */
	int errors;       /* its standard error, or -1 */
	int secrets[2];   /* files in memory that it reads, or -1 */
	char address[64]; /* of the host, for questions; may be empty */
};

void connection_init(struct connection *n);
/* deadline: of io_now_ms().  Errors are STATUS_CONNECT. */
int connection_open(struct connection *n, struct transport *t,
	const struct ssh_config *c, int64_t deadline, struct error *err);
/* Ends the proxy too. */
void connection_close(struct connection *n, struct transport *t);
/* Takes what the proxy wrote to its standard error. */
void connection_errors(struct connection *n, struct transport *t);

#endif
