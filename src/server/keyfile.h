/*
 * ~/.ssh/authorized_keys as lines: what is not changed stays to the byte.
 *
 *	keyfile_init()
 *	keyfile_open()      reads it; to change it, under a lock
 *	keyfile_set() keyfile_append() keyfile_drop()
 *	keyfile_save()      replaces it in one step
 *	keyfile_release()   frees the lock too
 */
#ifndef SERVER_KEYFILE_H
#define SERVER_KEYFILE_H

#include <sys/types.h>

#include "server/authorized_keys.h"

struct keyfile_line {
	char *text; /* with its newline, if it has one; NULL: dropped */
	bool is_key;
	struct authorized_key key;
};

struct keyfile {
	char *path;
	int dir;     /* ~/.ssh */
	mode_t mode; /* of the file, 0600 for a new one */
	struct keyfile_line *v;
	size_t n, cap;
};

void keyfile_init(struct keyfile *f);
/*
 * Missing ones are empty; to `change' it ~/.ssh is made, with mode 0700.
 * Refuses those of another account and symbolic links.
 */
int keyfile_open(struct keyfile *f, bool change, struct error *err);
void keyfile_set(struct keyfile *f, struct keyfile_line *line,
	const char *text);
void keyfile_append(struct keyfile *f, const char *text);
void keyfile_drop(struct keyfile_line *line);
int keyfile_save(struct keyfile *f, struct error *err);
void keyfile_release(struct keyfile *f);

/*
 * The one public key of a file, or of standard input ("-"), fit to be
 * authorized: known to sshd, whole, with nothing in front of it.
 */
int keyfile_read_key(const char *path, struct authorized_key *key,
	struct error *err);

#endif
