/*
 * A script of setup's on a target, through the same transport as a deploy.
 * What it prints behind the line "deploy-setup 1" is ours, the greeting of
 * a talkative shell comes before it:
 *
 *	KEY SP VALUE LF ...     facts, and steps as deployd setup prints them
 *	end SP STATUS LF        it came to its end
 */
#ifndef CLIENT_SETUP_REMOTE_H
#define CLIENT_SETUP_REMOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "client/options.h"
#include "client/project.h"

/* The scripts; constants, which survive any login shell. */
extern const char setup_probe[];   /* tells about the machine */
extern const char setup_install[]; /* "SIZE SHA256 LF" and the program */
extern const char setup_again[];   /* the rest, with the program there */
extern const char setup_remove[];

/*
 * Runs one with an input and adds its lines.  -1 if it could not be run, did
 * not come to its end, or failed, with the reason that it gave.
 */
int setup_remote(const struct target *t, const struct options *o,
	const char *script, const struct buf *input, struct strv *lines,
	struct error *err);
/* The lines behind the mark of what came back; for setup_remote alone. */
int setup_remote_parse(const char *text, size_t len, struct strv *lines,
	struct error *err);
/* The value of the first line with that key, or "". */
const char *setup_remote_fact(const struct strv *lines, const char *key);

#endif
