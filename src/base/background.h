/* Work that nobody waits for. */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

/*
 * Runs body(arg) in a process of its own: another session, a low
 * priority for processor and disk, and of our descriptors only those n of
 * keep.  Returns at once.
 */
void background_run(void (*body)(void *arg), void *arg, const int *keep, int n);

#endif
