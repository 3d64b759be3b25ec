/* What git knows of the tree; its absence is never an error. */
#ifndef CLIENT_GIT_H
#define CLIENT_GIT_H

#include <stdbool.h>

struct git_facts {
	char *commit, *branch, *subject, *author, *remote;
	bool dirty; /* tracked files below the tree differ from the commit */
	bool is_repository;
};

/* Runs git in `directory`; every field stays NULL where there is none. */
void git_facts_read(struct git_facts *g, const char *directory);
void git_facts_release(struct git_facts *g);

/*
 * Whether the checkout contains that commit: 1 yes, 0 no (or it is not
 * known there), -1 git cannot tell.
 */
int git_contains(const char *directory, const char *commit);

#endif
