/*
 * The keeper: a process between deployd and one program that it runs, so that
 * nothing of that goes on behind deployd's back, however deployd ends.
 *
 *	deployd ---- fd ---- keeper ---- the program ---- what that starts
 *
 * It tells when the program has ended, and then ends as well: what was left
 * running in the background goes on.  But once deployd asks for it, or has
 * ended (the kernel closes its end of fd then), all that descends from the
 * program, in whatever process group, gets TERM, what is left of it 10 s later
 * KILL, and the keeper ends when none of it is left.
 *
 * Until then it holds the locks that deployd held: who is next comes upon no
 * hook of the one before.
 */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"

struct keeper {
	int fd;      /* readable when the program has ended */
	pid_t pid;   /* of the keeper */
	pid_t group; /* of the program */
};

/*
 * Starts the program as process_start(), with this umask; the n descriptors of
 * `held', of which some may be -1, are the keeper's as well.  0, or -1 with
 * err and errno.
 */
int keeper_start(struct keeper *k, const struct process_options *o, mode_t mask,
	const int *held, int n, struct error *err);
/*
 * Whether the program has ended, with its exit status, or 128 + signal; it
 * does not wait.  If that has, so has the keeper, which is waited for.
 */
bool keeper_ended(struct keeper *k, int *status);
/* Has it end all, which keeper_ended() tells. */
void keeper_stop(struct keeper *k);

#endif
