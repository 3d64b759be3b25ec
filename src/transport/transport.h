/*
 * A connection to `deployd --serve`: bytes in both directions, and nothing
 * of what they mean.
 *
 *	struct transport *t = transport_open(&options);   starts to connect
 *	fd = transport_fd(t);                             poll, read, write
 *	...                                               EOF: over or failed
 *	rc = transport_close(t, &report, &err);           joins; says why
 *
 * transport_open() returns at once: connecting, verifying the host and
 * authenticating go on in a thread (or in the ssh program) while the caller
 * walks its tree.  What the caller writes before the connection stands waits
 * in the socket.  The descriptor is one end of a non-blocking socketpair;
 * shutdown(fd, SHUT_WR) ends the peer's input.  When the connection cannot
 * be made or breaks, the descriptor reads EOF and transport_close() returns
 * -1 with the reason: STATUS_CONNECT before deployd's first byte came,
 * STATUS_TRANSFER after it.
 *
 * Questions (an unknown host, a passphrase) are asked on /dev/tty by the
 * thread; without a terminal they are errors.
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

enum transport_kind {
	TRANSPORT_AUTO, /* libssh2; ssh where libssh2 cannot do the job */
	TRANSPORT_LIBSSH2,
	TRANSPORT_OPENSSH,
	TRANSPORT_LOCAL, /* deployd on this machine, through a socketpair */
};

/* Borrowed until transport_close(); NULL and 0 are `as ssh has it'. */
struct transport_options {
	enum transport_kind kind;
	const char *user, *host; /* as typed; host may be an ssh_config alias */
	int port;
	const char *config;     /* -F */
	const char *jump;       /* -J */
	struct strv identities; /* -i */
	struct strv settings;   /* -o, KEY=VALUE */
	int family;             /* AF_UNSPEC, AF_INET (-4), AF_INET6 (-6) */
	const char *deployd;    /* --deployd: the remote program */
	const char *command; /* instead of deployd: a constant text for sh -c,
	                            one line without ' and !,
	                            which survives any login shell */
	int connect_timeout; /* seconds; 0: ConnectTimeout, else 15 */
	int alive_timeout;   /* a dead peer is found in so many seconds;
	                            0: ServerAliveInterval's, else 30;
	                            6 at least */
	int total_timeout;   /* seconds for all of it, questions and hooks
	                            included; 0: no end */
};

/* What a connection cost and how it was made. */
struct transport_report {
	/*
	 * Bytes on the wire, encryption and handshake included, where the
	 * transport sees them (libssh2); else those of the channel.
	 */
	uint64_t sent, received;
	/* Milliseconds since transport_open(); 0: not reached. */
	int connected_ms, keys_ms, authenticated_ms, exec_ms;
	int exit_status;   /* of the remote program, -1 unknown */
	char kind[16];     /* "libssh2", "openssh", "local" */
	char errors[2048]; /* the last line of its standard error */
};

struct transport *transport_open(const struct transport_options *o);
int transport_fd(const struct transport *t);
/*
 * Runs deployd once more, on a channel of its own of the same connection: a
 * descriptor like transport_fd()'s, which is the caller's to close, or -1
 * where that cannot be done (only libssh2 can, once the first deployd was
 * started, and so often).  When the server does not want it, or at its end,
 * it reads EOF.
 */
#define TRANSPORT_BRANCHES 7
int transport_branch(struct transport *t);
/* What a round trip took when deployd was started, in ms; 0: unknown. */
int transport_rtt(const struct transport *t);
/* Bytes so far, for a progress line. */
void transport_counts(const struct transport *t, uint64_t *sent,
	uint64_t *received);
/*
 * For how many microseconds so far bytes have waited for the network to take
 * them, and not for the program at its other end to read: that is its own
 * slowness.  Through another program (ssh itself, ProxyJump) the one cannot be
 * told from the other, and both count; on this machine there is no network.
 */
int64_t transport_link_us(const struct transport *t);
/* Ends the connection without waiting for what is queued. */
void transport_abort(struct transport *t);
/* Waits for the end, frees t. */
int transport_close(struct transport *t, struct transport_report *report,
	struct error *err);

#endif
