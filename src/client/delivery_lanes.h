/*
 * Further channels for the files of one delivery: an SSH channel carries no
 * more than its window in a round trip, so that on a fast line over a long
 * way several are needed.  What is to be sent is given out in slices, to each
 * channel as it has sent most of the one before; what was given to one that
 * breaks is given out again.
 */
#ifndef CLIENT_DELIVERY_LANES_H
#define CLIENT_DELIVERY_LANES_H

#include "client/session.h"
#include "tree/packer.h"

#define DELIVERY_LANES TRANSPORT_BRANCHES

struct delivery;

struct delivery_lane {
	struct session session;
	struct manifest m; /* amends are its own */
	struct source source;
	struct packer *pack;
	uint64_t asked;      /* bytes */
	uint64_t again;      /* lines that were said to be bad so far */
	struct ranges given; /* lines; in the order of the manifest or not */
	struct delivery_lanes *of;
	bool open; /* greeted; not over */
	bool over;
};

/* An entry as a channel has announced it. */
struct delivery_amend {
	const struct delivery_lane *lane; /* NULL: the first channel */
	uint32_t line;
	uint16_t mode;
	uint64_t size;
	uint8_t digest[DIGEST_SIZE];
};

struct delivery_lanes {
	bool parts;     /* each channel says what comes on it */
	bool told;      /* DEPLOY_LANES says how many */
	size_t most;    /* as many may be opened */
	uint32_t *todo; /* lines; those before `next' are given out */
	size_t n, cap, next;
	uint64_t asked;          /* bytes, of the main channel */
	int64_t since;           /* io_now_ms(): what passes is looked at */
	uint64_t sent;           /* by then, or 0 */
	struct delivery_lane *v; /* NULL: none was opened yet */
	size_t lanes;
	/* Of all channels; the last one of a line counts. */
	struct delivery_amend *amended;
	size_t n_amended, cap_amended;
};

/* need-end had a token: what is needed is given out from here on. */
void delivery_open_lanes(struct delivery *d);
/* Gives out what there is room for, and sends; 0 or -1. */
int delivery_step_lanes(struct delivery *d, struct error *err);
/* Those to be polled besides the delivery's own; out has room for all. */
size_t delivery_lane_sessions(struct delivery *d, struct session **out);
/* On the main channel a line once more. */
void delivery_part_again(struct delivery *d, uint32_t line);
/* Whether something is still to be given out or on its way. */
bool delivery_lanes_busy(const struct delivery *d);
/* All has been received; the first packer is not at work any more. */
void delivery_close_lanes(struct delivery *d);
void delivery_release_lanes(struct delivery *d);

#endif
