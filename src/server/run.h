/*
 * One program, or one function in a process of its own, that the server runs
 * for an app: a hook, a check, systemctl, a command of `deploy run'.
 *
 * It runs in its own process group and ends when its first process exits:
 * what that left running in the background goes on and is not waited for;
 * what it writes from then on is dropped (by a cat(1) that ends with it).  On
 * a deadline, a cancel, or the end of deployd, all of it is ended: keeper.h.
 * deployd's descriptors are not inherited.
 */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "server/store.h"

/* Who runs it: a session, or an admin at the server's terminal. */
struct hook_host {
	/* Output as it comes, for the client and the log. */
	void (*output)(void *arg, const char *data, size_t len);
	/*
	 * As poll(2) on fds, while it also does the host's own work.  -1:
	 * what runs shall be cancelled.
	 */
	int (*wait)(void *arg, struct pollfd *fds, int n, int timeout_ms);
	void *arg;
	mode_t umask; /* of what hooks make */
	/* Standard error, apart; NULL: it goes the way of output. */
	void (*errors)(void *arg, const char *data, size_t len);
};

/* HOOK_FAILED: not started, or (of hooks and checks) it exited with != 0. */
enum hook_outcome { HOOK_DONE, HOOK_FAILED, HOOK_TIMEOUT, HOOK_CANCELLED };

/* Where and for whom. */
struct run_place {
	int cwd; /* a directory handle */
	const struct strv *env;
	const struct hook_host *host;
	const struct confine *fence; /* of what it does with files, or NULL */
	const struct store *store;   /* whose locks are held for as long */
};

struct run_options {
	const char *const *argv;      /* looked up in PATH of the place's env */
	int (*body)(const void *arg); /* or this function, instead */
	const void *arg;
	int in;           /* its standard input, or -1: empty */
	int64_t end;      /* io_now_ms() of the deadline, 0: none */
	struct buf *said; /* collects the beginning of the output, or NULL */
	bool silent;      /* the host gets none of it */
};

#define RUN_OPTIONS_INIT \
	{ \
		NULL, NULL, NULL, -1, 0, NULL, false \
	}

/*
 * HOOK_DONE: it ended, `status' is its exit status, or 128 + signal.
 * HOOK_FAILED: it could not be started, err says why, and errno is kept.
 */
enum hook_outcome run_program(const struct run_options *o,
	const struct run_place *at, int *status, struct error *err);

/* When `seconds' are over, for run_options; 0: never. */
int64_t run_deadline(long seconds);
/* Waits, serving the host; -1 if it cancels. */
int run_pause(const struct hook_host *host, int64_t ms);
void run_say(const struct hook_host *host, const char *text);
/* "+ word word\n", as hooks are echoed. */
void run_echo(const struct hook_host *host, const char *const *argv);

#endif
