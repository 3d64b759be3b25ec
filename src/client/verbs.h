/*
 * The verbs, one file each; deploy.c has their table.  Each returns the exit
 * status.  A failure that it has told already leaves err's text empty, any
 * other is main's to print.
 */
#ifndef CLIENT_VERBS_H
#define CLIENT_VERBS_H

#include "client/options.h"

int verb_push(struct options *o, struct error *err);
int verb_diff(struct options *o, struct error *err);
int verb_releases(struct options *o, struct error *err);
int verb_rollback(struct options *o, struct error *err);
int verb_activate(struct options *o, struct error *err);
int verb_status(struct options *o, struct error *err);
int verb_log(struct options *o, struct error *err);
int verb_init(struct options *o, struct error *err);
int verb_env(struct options *o, struct error *err);
int verb_setup(struct options *o, struct error *err);
int verb_prune(struct options *o, struct error *err);
int verb_pin(struct options *o, struct error *err);
int verb_unpin(struct options *o, struct error *err);
int verb_remove(struct options *o, struct error *err);
int verb_fetch(struct options *o, struct error *err);
int verb_verify(struct options *o, struct error *err);
int verb_fsck(struct options *o, struct error *err);
int verb_restart(struct options *o, struct error *err);
int verb_logs(struct options *o, struct error *err);
int verb_run(struct options *o, struct error *err);
int verb_doctor(struct options *o, struct error *err);
int verb_help(struct options *o, struct error *err);
int verb_version(struct options *o, struct error *err);

#endif
