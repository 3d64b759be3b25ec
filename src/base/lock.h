/*
 * Advisory locks on files that stay: locks of the open file description, see
 * fcntl(2), freed by the kernel when the holder ends however it ends.  The
 * file's text says who holds it.  The descriptor is close-on-exec, so no hook
 * inherits it.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes dirfd/name, made if missing, and writes `holder` into it.  Returns
 * the descriptor, whose closing frees the lock.  -1 with errno EWOULDBLOCK
 * when another holds it.
 */
int lock_take(int dirfd, const char *name, const char *holder);

/*
 * Locks a file that is open to be read and written, and waits for that up to
 * so many milliseconds: 0, or -1 with errno, EWOULDBLOCK after that time.
 * Closing it frees the lock.
 */
enum lock_kind { LOCK_SHARED, LOCK_ALONE };
int lock_wait(int fd, enum lock_kind kind, int ms);

/* Frees it at once, whoever else has the descriptor; sets *fd to -1. */
void lock_release(int *fd);

/* Whether another holds dirfd/name now; its text, if any, goes to text. */
int lock_held(int dirfd, const char *name, char *text, size_t size);

/*
 * Tells whoever holds dirfd/name that it is wanted, by the first byte of the
 * text; whether that was said to the holder of fd.  The next to take the lock
 * knows nothing of it.
 */
void lock_want(int dirfd, const char *name);
bool lock_wanted(int fd);

#endif
