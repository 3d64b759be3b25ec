/*
 * known_hosts files: which keys a host may have.
 *
 *	known_hosts_init(&k, "web1", 22);
 *	known_hosts_file(&k, path);  any number of files, missing ones too
 *	known_hosts_text(&k, "DEPLOY_KNOWN_HOSTS", text, len);
 *	known_hosts_order(&k, ...);  before the handshake
 *	known_hosts_check(&k, ...);  when the host has shown its key
 *
 * All of the format is understood: hashed names, patterns and their
 * negation, [host]:port, @revoked and @cert-authority.  A bad line is
 * skipped, with a sentence in `warnings`.
 */
#ifndef TRANSPORT_KNOWN_HOSTS_H
#define TRANSPORT_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strv.h"

enum known_hosts_marker {
	KNOWN_HOSTS_PLAIN,
	KNOWN_HOSTS_REVOKED,
	KNOWN_HOSTS_AUTHORITY, /* signs certificates: libssh2 knows none */
};

/* A line whose names match the host. */
struct known_hosts_entry {
	char *file;
	int line;
	enum known_hosts_marker marker;
	bool portless; /* names the host but not its port */
	char *type;    /* ssh-ed25519 */
	struct buf blob;
};

struct known_hosts {
	char *name;  /* as files have it: "web1" or "[web1]:2222" */
	char *plain; /* the same without port, where it has one, else NULL */
	struct known_hosts_entry *v;
	size_t n, cap;
	struct strv warnings;
};

enum known_hosts_result {
	KNOWN_HOSTS_MATCH,
	KNOWN_HOSTS_UNKNOWN, /* no line, none at all */
	KNOWN_HOSTS_OTHER,   /* lines with keys of other types only */
	KNOWN_HOSTS_CHANGED, /* a line with another key of this type */
	KNOWN_HOSTS_REVOKED_KEY,
};

/* A port other than 22 is part of the name; 0: the name stands alone. */
void known_hosts_init(struct known_hosts *k, const char *host, int port);
void known_hosts_release(struct known_hosts *k);
void known_hosts_file(struct known_hosts *k, const char *path);
void known_hosts_text(struct known_hosts *k, const char *file, const char *text,
	size_t len);

/* The verdict on a key, and the line it rests on (NULL: none does). */
enum known_hosts_result known_hosts_check(const struct known_hosts *k,
	const char *type, const void *blob, size_t len,
	const struct known_hosts_entry **entry);
/* Whether a line has a key of this type for the host. */
bool known_hosts_has(const struct known_hosts *k, const char *type);
/* Whether any line does that is no revocation. */
bool known_hosts_any(const struct known_hosts *k);
/* Whether a line makes an authority trusted for the host. */
bool known_hosts_authority(const struct known_hosts *k);
/*
 * Adds to out the algorithms of the list, comma-separated, those first
 * whose key type is known for the host; rsa-sha2-* have the type ssh-rsa.
 */
void known_hosts_order(const struct known_hosts *k, const char *algorithms,
	struct buf *out);

/* A line for the key without its newline; salt: 20 random bytes or NULL. */
void known_hosts_line(const char *name, const char *type, const void *blob,
	size_t len, const unsigned char *salt, struct buf *out);
/* The type that a key's blob begins with: a string to free, or NULL. */
char *known_hosts_type(const void *blob, size_t len);

#endif
