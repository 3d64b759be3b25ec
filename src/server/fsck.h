/*
 * All of an app's store read again, and what is wrong with it repaired: what
 * a crash has left, what no longer is what its record says, and files of
 * releases, which are made again from others that hold the same bytes.
 *
 * Under the lock all the time; switch.lock is held only while records change,
 * so that a rollback does not wait for what is read.
 */
#ifndef SERVER_FSCK_H
#define SERVER_FSCK_H

#include "server/busy.h"
#include "server/store.h"

typedef void fsck_fn(void *arg, const struct msg_fault *m);

struct fsck_options {
	bool dry_run;           /* tell, and change nothing */
	const char *who;        /* for locks and history */
	uint64_t wait;          /* seconds for the lock */
	store_wait_fn *wait_fn; /* as of store_lock(), with arg */
	/* Finishes a switch that was cut off: activate_recover(). */
	int (*recover)(void *arg, struct error *err);
	const struct busy *busy;
	fsck_fn *fn; /* is told each fault */
	void *arg;
};

struct fsck_sum {
	uint64_t files;  /* of releases, read */
	uint64_t faults; /* found */
	uint64_t left;   /* of these, not repaired */
};

/*
 * 0, whatever it found.  -1 with err: STATUS_BUSY, or what keeps it from being
 * done at all.
 */
int fsck_app(struct store *s, const struct fsck_options *o,
	struct fsck_sum *sum, struct error *err);

#endif
