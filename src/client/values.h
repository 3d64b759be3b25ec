/*
 * Where the values of variables come from: a file, standard input, or the
 * person at the terminal.  Never the command line, which every user of the
 * machine can read.
 */
#ifndef CLIENT_VALUES_H
#define CLIENT_VALUES_H

#include "base/error.h"
#include "base/strv.h"

/*
 * A value for each name, as NAME=value: asked for, hidden, one after the
 * other; or, where standard input is no terminal, all of that, less a newline
 * at its end, for the only name.  `whose' is shown with the question.
 */
int values_ask(const struct strv *names, const char *whose, struct strv *pairs,
	struct error *err);
/* The variables of a file in the env file's form; "-" is standard input. */
int values_import(const char *file, struct strv *pairs, struct error *err);

#endif
