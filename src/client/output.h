/* The output frames of an answer, on standard output. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sink.h"

struct output {
	const char *target;
	bool lines;        /* text, or a terminal: escaped; else bytes */
	struct sink *sink; /* from the first byte on */
	struct buf rest;
};

/* With --json each line is an event `output', whatever it is. */
int output_add(struct output *o, const char *data, size_t len,
	struct error *err);
/* Whether whoever reads it has paused: no more is to be added for now. */
bool output_full(const struct output *o);
/* The last line, if it was not ended; returns when all is written. */
int output_end(struct output *o, struct error *err);
void output_release(struct output *o);

#endif
