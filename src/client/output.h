/* The output frames of an answer, on standard output. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

struct output {
	const char *target;
	bool lines; /* text, or a terminal: escaped; else bytes */
	struct buf rest;
};

/* With --json each line is an event `output', whatever it is. */
int output_add(struct output *o, const char *data, size_t len,
	struct error *err);
/* The last line, if it was not ended. */
int output_end(struct output *o, struct error *err);
void output_release(struct output *o);

#endif
