/*
 * Files on their way: from the client's channels to the intakes, and what
 * those report.
 *
 * Where one channel may be too slow, need-end has a token: then the client
 * may open lanes (lanes.h), and says on each channel by `part' frames what
 * comes there, in which order.  It may name the chunks of a file that was
 * asked for whole.
 */
#ifndef SERVER_TRANSFER_H
#define SERVER_TRANSFER_H

#include "server/push_state.h"

/* Passes a frame of the client on; amends and offers are kept here as well. */
int transfer_pass(struct push *p, const struct frame *in);
/* The same of what comes on a further channel, to its own. */
int transfer_pass_on(struct push *p, struct intake *to, const struct frame *f,
	struct error *err);
/* Passes on what the client sends until the intake speaks: its frame is *f. */
int transfer_frame(struct push *p, struct frame *f);

/* The token for so many bytes to come, or NULL: one channel will do. */
char *transfer_token(struct push *p, uint64_t bytes);
/*
 * Until all lines that the client was asked for, and those of the offer, have
 * come.
 */
int transfer_files(struct push *p, const struct ranges *need);
/* All has come: what still does is of no use. */
void transfer_end(struct push *p);
void transfer_release(struct push *p);

#endif
