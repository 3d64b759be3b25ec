/*
 * What the server does in processes of its own, within this one: a fork for
 * each input would take nearly all of the time, and what runs there would not
 * be counted as reached.
 *
 * The intake is a thread: all of server/intake_work.c and writer.c, but for
 * its end, at which the thread releases what a process leaves to the kernel,
 * and but for its confinement.  What is done in the background is done at
 * once.  Any other fork fails.
 *
 * poll() is ours, so that it is known when nobody has anything to do any more.
 */
#ifndef FUZZ_INSIDE_H
#define FUZZ_INSIDE_H

#include <poll.h>
#include <stdbool.h>

/*
 * What poll() calls where it would wait, in the thread that is not an
 * intake's, and all intakes wait for input of which there is none: true, look
 * once more; false, wait.
 */
typedef bool inside_idle_fn(void *arg);
void inside_on_idle(inside_idle_fn *fn, void *arg);

#endif
