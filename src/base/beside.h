/*
 * A thread that does something with the pieces of a long text, in order,
 * beside the caller, who reads a piece to where beside_next() says, gives it
 * over and does something else with it meanwhile.
 */
#ifndef BASE_BESIDE_H
#define BASE_BESIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define BESIDE_PIECE (256 * 1024)
#define BESIDE_PIECES 4

typedef void beside_fn(void *arg, const void *data, size_t len);

struct beside {
	beside_fn *fn;
	void *arg;
	char *pieces;
	size_t len[BESIDE_PIECES];
	bool threaded; /* else beside_give() itself does it */
	pthread_t thread;
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t changed;
	size_t given, done;
	bool ending;
};

/* fn(arg, ...) gets the pieces, in this thread if no other can be had. */
void beside_start(struct beside *b, beside_fn *fn, void *arg);
/* Room for a piece of BESIDE_PIECE bytes; waits until there is some. */
char *beside_next(struct beside *b);
/* Gives over the len bytes that are there; they may still be read. */
void beside_give(struct beside *b, size_t len);
/* Waits until fn has got all pieces, and ends the thread. */
void beside_end(struct beside *b);

#endif
