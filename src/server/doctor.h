/*
 * What this machine does for the apps' safety: which defences are in force
 * (base/confine.h, beneath.h), and what of the account and its store is not
 * as it should be.
 */
#ifndef SERVER_DOCTOR_H
#define SERVER_DOCTOR_H

#include "server/config.h"
#include "wire/message.h"

/*
 * One thing that was looked at.  Its state is "ok"; "note", which is worth
 * knowing and no fault; or "fault".
 */
typedef void doctor_fn(void *arg, const struct msg_finding *m);

/* Tells each finding; how many are faults. */
unsigned doctor_examine(const struct config *c, doctor_fn *fn, void *arg);

/* deployd doctor: a line each, and the program's exit status. */
int doctor_run(const struct config *c);
/* The same where deployd.conf has a mistake: all that it does not decide. */
int doctor_run_without(const struct error *conf);

#endif
