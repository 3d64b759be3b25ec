/*
 * What a delivery consists of: what it sends (delivery_send.c, and unasked
 * delivery_offer.c), its files (delivery_pack.c, delivery_lanes.c), those that
 * changed meanwhile (delivery_amends.c), what it makes of the frames that come
 * (delivery_take.c), the base and the next one (delivery_base.c), what is told
 * at its end (delivery_finish.c); delivery.c has its life.
 */
#ifndef CLIENT_DELIVERY_PARTS_H
#define CLIENT_DELIVERY_PARTS_H

#include "client/delivery.h"

/* Lines that a server may find bad, each of them several times. */
#define MOST_AGAIN(m) (1000 + 16 * (uint64_t)(m).lines)

/* Loads the base beside the handshake and the walk; at last it is there. */
void delivery_load_base(struct delivery *d);
void delivery_await_base(struct delivery *d);
/* The push frame. */
void delivery_send_request(struct delivery *d);
/* Which files go right behind the difference. */
void delivery_choose_offer(struct delivery *d);
/* The offer; its files follow as there is room. */
void delivery_send_offer(struct delivery *d);
/*
 * It is void, and so are the stream that began with it and what was amended:
 * that has not the tree id of the push.
 */
void delivery_forget_offer(struct delivery *d);
/* Settings and the difference to the base, if there is one, and the offer. */
void delivery_send_difference(struct delivery *d);
/* full, settings and the whole manifest. */
void delivery_send_whole(struct delivery *d);
/* Whether content may go out now: some is asked for, and there is room. */
bool delivery_may_produce(const struct delivery *d);
/* The packer of what is sent, made when it is first needed. */
struct packer *delivery_packer(struct delivery *d);
/* Around what reads entries of m: the packer may be amending one. */
void delivery_lock(const struct delivery *d);
void delivery_unlock(const struct delivery *d);
/* Sends what is packed, up to a full queue; 0 or -1. */
int delivery_produce(struct delivery *d, struct error *err);
/* The same of any channel's packer; amends are told to took, unless NULL. */
typedef void delivery_amended_fn(void *arg, const struct entry *e);
enum pack_step delivery_send_packed(struct channel *c, struct packer *pack,
	delivery_amended_fn *took, void *arg, struct error *err);
/* Bytes of files on all channels. */
uint64_t delivery_sent(const struct delivery *d);
/* The packer is waited for besides the server, or is not. */
void delivery_await_packer(struct delivery *d);
/* An entry that changed after the manifest was sent. */
void delivery_send_amend(struct channel *c, const struct entry *e);
/* It was announced on that channel; NULL is the first. */
void delivery_note_amended(struct delivery_lanes *l,
	const struct delivery_lane *lane, const struct entry *e);
/*
 * A lane is lost: whether it was heard is not known, and who sends its files
 * again says what they are.
 */
void delivery_forget_amended(struct delivery_lanes *l,
	const struct delivery_lane *lane);
/* What was announced, in that order, holds for the release. */
void delivery_take_amended(struct delivery *d);

/*
 * Whether what is live decides if we go on: then the tree waits for it, or
 * the switch might be over before we say no.
 */
bool delivery_waits(const struct delivery *d);
/* A frame that may come in this state; -1 ends the delivery. */
int delivery_take(struct delivery *d, const struct frame *f, struct error *err);

#endif
