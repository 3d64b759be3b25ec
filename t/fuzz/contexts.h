/*
 * libzstd's contexts, which are a megabyte each, kept for the next that wants
 * one: to make them anew took a third of the time of a session.  The functions
 * that make and free them are ours here, in place of libzstd's.
 */
#ifndef FUZZ_CONTEXTS_H
#define FUZZ_CONTEXTS_H

/* Does nothing, but what calls it is linked with the others. */
void contexts_link(void);

#endif
