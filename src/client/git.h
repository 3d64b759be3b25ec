/* What git knows of the tree; its absence is never an error. */
#ifndef CLIENT_GIT_H
#define CLIENT_GIT_H

#include <pthread.h>
#include <stdbool.h>

struct git_facts {
	char *commit, *branch, *subject, *author, *remote;
	bool dirty; /* tracked files below the tree differ from the commit */
	bool is_repository;
};

/* A question that runs beside other work; its end must be waited for. */
struct git_question {
	struct git_facts facts;
	const char *directory;
	pthread_t thread;
	bool asking;
};

/*
 * Runs git in `directory`, which is borrowed; every field stays NULL where
 * there is none.
 */
void git_ask(struct git_question *q, const char *directory);
/* Waits at most `ms`; true once q->facts, which the caller takes, are there. */
bool git_answered(struct git_question *q, int ms);
void git_facts_release(struct git_facts *g);

/*
 * Whether the checkout contains that commit: 1 yes, 0 no (or it is not
 * known there), -1 git cannot tell.
 */
int git_contains(const char *directory, const char *commit);

#endif
