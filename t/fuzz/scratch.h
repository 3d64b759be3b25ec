/*
 * A directory of this process's own for fuzzers that need files: in memory
 * where there is such a place, and gone at exit.  What was kept of it is made
 * again, as it was, before the next input.
 *
 *	dir = scratch_dir();        the same each time
 *	scratch_keep();             all that is in it now
 *	...
 *	if (scratch_restore())      it had been changed
 */
#ifndef FUZZ_SCRATCH_H
#define FUZZ_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"

const char *scratch_dir(void);
/* A path in it, up to the next but three calls. */
const char *scratch_path(const char *name);
void scratch_write(const char *name, const void *data, size_t len);
void scratch_mkdir(const char *name);

void scratch_keep(void);
/* The paths of what was kept below a directory, sorted. */
void scratch_names(const char *name, struct strv *out);
/* Whether anything differs from what was kept, by names and stat data. */
bool scratch_changed(void);
bool scratch_restore(void);
/* Whether anything differs of what was kept below that directory. */
bool scratch_touched(const char *name);

/* How many descriptors are open, of the first 256. */
int scratch_open_files(void);

#endif
