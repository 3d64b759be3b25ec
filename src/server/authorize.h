/* deployd authorize: who may deploy what, in ~/.ssh/authorized_keys. */
#ifndef SERVER_AUTHORIZE_H
#define SERVER_AUTHORIZE_H

#include <stdbool.h>

/* The command line; NULL: not given. */
struct authorize {
	const char *key; /* a file, or "-": standard input */
	const char *app, *allow, *as, *hooks, *root;
	bool replace; /* take the place of the key's line */
	/* Or one of these two, and nothing else. */
	bool list;
	const char *remove; /* a name or a fingerprint */
};

/* Returns the program's exit status. */
int authorize_run(const struct authorize *a);

#endif
