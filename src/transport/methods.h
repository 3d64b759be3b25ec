/* Which algorithms are offered: those of today, as the user limits them. */
#ifndef TRANSPORT_METHODS_H
#define TRANSPORT_METHODS_H

struct known_hosts;
struct link;
struct ssh_config;

/*
 * Sets them on a link before its handshake: host key algorithms are in the
 * order of the known keys.  1 if libssh2 has none of what is needed, with
 * *why to be freed; else 0.
 */
int methods_set(const struct link *l, const struct known_hosts *known,
	const struct ssh_config *c, char **why);

#endif
