/* The deployd that setup sends: one that fits the other machine. */
#ifndef CLIENT_SETUP_PROGRAM_H
#define CLIENT_SETUP_PROGRAM_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

struct setup_program {
	char *path;
	struct buf data;
	char hex[DIGEST_HEX + 1]; /* its SHA-256 */
};

/*
 * Reads `given' (--binary), else the first that fits of
 *
 *	PREFIX/lib/deploy/deployd-MACHINE   where we are PREFIX/bin/deploy
 *	static/deployd                      beside us, in a build
 *	deployd                             beside us
 *
 * of which only one that needs no libraries is taken.  STATUS_REFUSED where
 * none is for that machine (uname -m).
 */
int setup_program_load(struct setup_program *p, const char *given,
	const char *machine, struct error *err);
void setup_program_release(struct setup_program *p);

#endif
