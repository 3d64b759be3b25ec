/*
 * A thread that divides a file into chunks beside the one that reads it and
 * hashes it whole: that one reads a piece to where chunk_thread_next() says,
 * gives it over, and hashes it meanwhile.
 */
#ifndef TREE_CHUNK_THREAD_H
#define TREE_CHUNK_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "tree/chunk.h"

#define CHUNK_THREAD_PIECE (256 * 1024)
#define CHUNK_THREAD_PIECES 4

struct chunk_thread {
	bool runs;
	pthread_t thread;
	struct chunker *chunker;
	char *pieces;
	size_t len[CHUNK_THREAD_PIECES];
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t changed;
	size_t given, done;
	bool ending;
};

/* t is zeroed.  Where no thread can be had, t->runs stays false. */
void chunk_thread_start(struct chunk_thread *t, struct chunker *c);
/* Room for one more piece; waits until there is some. */
char *chunk_thread_next(struct chunk_thread *t);
/* Gives over len bytes that are there. */
void chunk_thread_give(struct chunk_thread *t, size_t len);
/* Waits until all is divided, and ends the thread, if it runs. */
void chunk_thread_end(struct chunk_thread *t);

#endif
