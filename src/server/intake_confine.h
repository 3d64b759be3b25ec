/*
 * What the intake's process gives up (base/confine.h) between getting ready
 * and reading the first byte that the client has sent:
 *
 *	intake_confine_files()   files, networks, more privileges
 *	...                      its threads start, and are under that
 *	intake_confine_calls()   limits; system calls, threads among them
 *
 * From then on all it can do is read and write what it has open, make, rename
 * and remove files right in tmp/, and end.  Where the kernel lacks one of
 * these it does without, which `deployd doctor' tells.
 */
#ifndef SERVER_INTAKE_CONFINE_H
#define SERVER_INTAKE_CONFINE_H

#include "server/intake.h"

/* What an instrument needs is without bounds, and so are its system calls. */
#ifdef INSTRUMENTED
#define INTAKE_CONFINES_CALLS 0
#else
#define INTAKE_CONFINES_CALLS 1
#endif

/* 0, or -1 with err: then nothing may be read. */
int intake_confine_files(const struct intake_options *o, struct error *err);
int intake_confine_calls(const struct intake_options *o, struct error *err);

#endif
