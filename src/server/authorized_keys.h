/*
 * The lines of ~/.ssh/authorized_keys, as sshd(8) reads them, and what the
 * forced command of one lets deployd do.
 */
#ifndef SERVER_AUTHORIZED_KEYS_H
#define SERVER_AUTHORIZED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct error;

/* A line with a key; all strings are its own. */
struct authorized_key {
	char *options; /* those in front of it, or "" */
	char *type;    /* ssh-ed25519 */
	struct buf blob;
	char *comment; /* or "" */
};

/* What its command="deployd --serve ..." says; NULL: not given. */
struct authorized_limits {
	bool forced; /* it has a command, whatever that is */
	bool serves; /* it has such a command; else the rest is NULL */
	char *app, *allow, *as, *hooks;
	char *stray; /* a word of it that deployd does not take */
};

/*
 * Reads one line, without its newline: 1 a key, 0 empty or a comment, -1
 * neither.  k is to be released after 1 only.
 */
int authorized_key_parse(struct authorized_key *k, const char *line,
	size_t len);
void authorized_key_release(struct authorized_key *k);

/* Whether sshd takes it for a key of that type, whole: 0, or -1 with err. */
int authorized_key_check(const struct authorized_key *k, struct error *err);
/* Adds "SHA256:..." as ssh-keygen -l prints it. */
void authorized_key_fingerprint(const struct authorized_key *k,
	struct buf *out);

void authorized_limits_parse(struct authorized_limits *l, const char *options);
/* Whether deployd takes them, or ends at once: 0, or -1 with err. */
int authorized_limits_check(const struct authorized_limits *l,
	struct error *err);
void authorized_limits_release(struct authorized_limits *l);

#endif
