/* The processes that descend from this one, as /proc has them. */
#ifndef BASE_DESCENDANTS_H
#define BASE_DESCENDANTS_H

#include <sys/types.h>

/*
 * Sends the signal to each of them, but to those of the process group `but';
 * who has ended and was not waited for is none.  How many could be sent it, or
 * -1 with errno where /proc does not tell.  Children of one that ends meanwhile
 * descend from its next subreaper, see prctl(2): who is that itself finds all
 * of them, at the next call.
 */
int descendants_signal(int number, pid_t but);

#endif
