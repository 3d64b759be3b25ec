/*
 * One push to one target, as a state machine that never blocks: the verb
 * (push.c) polls all deliveries and calls delivery_step() on each.
 *
 *	OPENING   connecting; nothing was asked yet
 *	ASKED     push is sent, and with a base an offer; the server
 *	          authorises, locks, plans
 *	SENDING   need came; files go out
 *	WAITING   all is sent; the server verifies
 *	BUILDING  it stages and builds
 *	STAGED    built and held: delivery_go() or delivery_abort()
 *	SWITCHED  from here on we only watch
 *	DONE      a result came, or the conversation broke
 */
#ifndef CLIENT_DELIVERY_H
#define CLIENT_DELIVERY_H

#include <pthread.h>

#include "client/cache.h"
#include "client/cargo.h"
#include "client/delivery_lanes.h"
#include "client/progress.h"
#include "client/session.h"
#include "client/watch.h"
#include "tree/packer.h"

enum delivery_state {
	DELIVERY_OPENING,
	DELIVERY_ASKED,
	DELIVERY_SENDING,
	DELIVERY_WAITING,
	DELIVERY_BUILDING,
	DELIVERY_STAGED,
	DELIVERY_SWITCHED,
	DELIVERY_DONE,
};

struct delivery {
	struct session session;
	const struct target *target;
	const struct options *options;
	const struct cargo *cargo;
	enum push_then then;
	enum delivery_state state;
	bool locked; /* the server holds the app's lock for us */
	bool aborting;
	uint64_t again;    /* lines that were said to be bad so far */
	bool sent_whole;   /* the whole manifest, which is asked for once */
	bool failed;       /* ended without success: error says why */
	struct manifest m; /* amended while it is sent */
	bool shares;       /* its entries are our own, else the cargo's */
	struct source source;
	struct manifest base;
	char base_hex[DIGEST_HEX + 1];
	uint8_t base_id[DIGEST_SIZE]; /* once it was sent against */
	bool has_base;
	bool loading; /* by a thread, up to delivery_await_base() */
	pthread_t loader;
	bool amended; /* m is not what its id says any more */
	struct cache_draft draft;
	struct msg_live live;
	struct ranges offer, need;
	bool offering; /* files of the offer are still going out */
	struct msg_need_end need_end;
	struct packer *pack;
	struct delivery_lanes lanes;
	struct manifest_reader *theirs; /* of a compare: the live tree */
	struct manifest live_tree;
	struct zin *unzip;
	struct progress progress;
	struct watch watch;
	struct msg_result result;
	struct error error; /* why it ended without success */
};

/*
 * Begins to connect; everything is borrowed until delivery_release().  prefix:
 * there are several, so what is printed begins with the target.
 */
void delivery_open(struct delivery *d, const struct target *t,
	const struct options *o, enum push_then then, bool prefix);
/*
 * Sends push once the cargo is known.  The only delivery amends the cargo's
 * own manifest.
 */
void delivery_ask(struct delivery *d, struct cargo *c);
/* Handles what came, produces what may go. */
void delivery_step(struct delivery *d);
/* Whether all is said that can be before the server answers. */
bool delivery_listens(const struct delivery *d);
/* What it takes to remember m as the next base, before that is known. */
void delivery_draft_base(struct delivery *d);
/* The server holds m now. */
void delivery_keep_base(struct delivery *d);
void delivery_go(struct delivery *d);
void delivery_abort(struct delivery *d);
/* Ends it here and now with that error. */
void delivery_fail(struct delivery *d, const struct error *err);
void delivery_release(struct delivery *d);

/* It is done: closes it, tells what became of it, one of so many targets. */
void delivery_finish(struct delivery *d, size_t targets);
bool delivery_did_well(const struct delivery *d);
/* It ended because of an abort of ours: a signal's, or another's failure. */
bool delivery_was_given_up(const struct delivery *d);
/* STATUS_OK, or d->error's. */
enum status delivery_status(const struct delivery *d);

#endif
