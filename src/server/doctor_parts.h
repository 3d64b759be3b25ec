/* Among the files of doctor.h. */
#ifndef SERVER_DOCTOR_PARTS_H
#define SERVER_DOCTOR_PARTS_H

#include "server/doctor.h"

struct doctor {
	const struct config *c;
	const struct error *conf; /* why there is none, or NULL */
	doctor_fn *fn;
	void *arg;
	unsigned faults;
};

#define DOCTOR_OK "ok"
#define DOCTOR_NOTE "note"
#define DOCTOR_FAULT "fault"

void doctor_say(struct doctor *d, const char *state, const char *name,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void doctor_hooks(struct doctor *d);  /* which are confined */
void doctor_kernel(struct doctor *d); /* what deployd confines itself with */
/* A handle of the root, or -1 if there is none. */
int doctor_store(struct doctor *d);
void doctor_disk(struct doctor *d);    /* where the apps are */
void doctor_account(struct doctor *d); /* who may do what here */
/* What `sudo -l' says, in English. */
void doctor_sudo(struct doctor *d, const char *list);

#endif
