/*
 * One push on its way, shared by the files that are its phases:
 *
 *	push.c      the request, what is live, the order of it all
 *	receive.c   base, settings, manifest, offer
 *	content.c   what is needed of the files
 *	transfer.c  their way
 *	release.c   staging, build, holding; and undoing
 *
 * Each phase returns 0, or -1 with p->err.
 */
#ifndef SERVER_PUSH_STATE_H
#define SERVER_PUSH_STATE_H

#include "server/lanes.h"
#include "server/plan.h"
#include "server/session.h"

struct push {
	struct session *s;
	struct store *store;
	struct msg_push ask;
	enum push_then then;
	struct record live;  /* of what is live; empty if nothing is */
	struct buf settings; /* deploy.conf's text */
	struct hook_settings hooks;
	struct manifest base;
	bool has_base;
	struct manifest m;
	struct ranges offer; /* lines whose files come unasked */
	struct plan plan;
	bool planned;
	bool absent; /* a compare with an app that is not there */
	bool waits;  /* for the lock, which was said */
	struct lanes lanes;
	const struct ranges *asked; /* while files come; by need or as bad */
	uint64_t left;              /* of its lines, and of the offer's */
	uint32_t *arrived; /* with lanes: by line, whether it has come; of
	                      files, how many of their chunks */
	bool in_chunks;    /* a file that was asked for whole came so */
	bool amended;
	uint64_t amends; /* so far */
	uint64_t grown;  /* bytes by which these made files larger */
	unsigned rounds; /* that asked for what had not come */
	enum plan_trust trust;
	bool distrusted; /* what was here was wrong: it is asked for */
	char id[RELEASE_ID_LEN + 1];
	struct record record;
	bool committed; /* releases/ID is there */
	bool stays;     /* it went live, or was to be built only */
	struct msg_result *result;
	struct error *err;
};

/* The settings and the manifest, against a base or whole. */
int receive_tree(struct push *p);
/* Asks for what is lacking, until all of it lies in tmp/ or elsewhere. */
int receive_content(struct push *p);
/*
 * Makes the plan anew, when the client sends no more: -1 with the error that
 * p->err has if something is lacking then.
 */
int receive_nothing(struct push *p);
/* --dry-run: what would be asked for, and the live tree as a difference. */
int receive_compare(struct push *p);

/* Makes the release's directory and its record. */
int release_stage(struct push *p);
/* Shared and carried paths, and the build. */
int release_build(struct push *p);
/* Several targets: waits for `go`. */
int release_hold(struct push *p);
/* A release that did not make it: its record says why, its files stay. */
void release_undo(struct push *p);

#endif
