/*
 * Packing beside a poll loop: a thread reads, hashes and compresses what was
 * asked for (pack.h) into a bounded queue, while the loop sends what lies in
 * it.  The thread is started by the first file, and confined to the source.
 *
 *	packer_new()
 *	packer_ask(), packer_again()
 *	packer_waits()    before packer_take()
 *	packer_take()     when packer_fd() can be read and there is room
 *	packer_starves()  when it gave nothing and the link is idle
 *	packer_free()     at any time; what is not taken is lost
 *
 * Entries of the manifest are amended by the thread: who reads one's size,
 * digest, mode or chunks meanwhile holds packer_lock().
 */
#ifndef TREE_PACKER_H
#define TREE_PACKER_H

#include "tree/pack.h"

struct packer;

/* Borrows both; several packers may share a source's descriptors. */
struct packer *packer_new(struct source *source, struct manifest *m,
	int threads);
void packer_free(struct packer *p);
/* Ends the thread, and gives the amended entries back as they were. */
void packer_undo(struct packer *p);

/* Lines of m; see pack_ask_line() and pack_again(). */
void packer_ask(struct packer *p, uint32_t line);
void packer_again(struct packer *p, uint32_t line);

/* To be polled for reading. */
int packer_fd(const struct packer *p);
/*
 * Takes what there is: PACK_AMENDED with an entry, whose strings are m's and
 * which is to be announced behind what was taken before it, flushed, and
 * before what is taken after it; PACK_MORE with up to 256 KiB of the stream
 * added to out, or nothing yet; PACK_IDLE when all that was asked for was
 * taken, flushed; PACK_ERROR.
 */
enum pack_step packer_take(struct packer *p, struct buf *out,
	struct entry *amended, struct error *err);

/* Whether all that was asked for was taken. */
bool packer_idle(struct packer *p);

/* There is nothing to send but what the packer will give. */
void packer_starves(struct packer *p);

/* For how long, so far, something has waited for the link, in microseconds. */
void packer_waits(struct packer *p, int64_t link_us);

void packer_lock(struct packer *p);
void packer_unlock(struct packer *p);

/* Bytes of files that were taken so far, about; when idle, exactly. */
uint64_t packer_done(struct packer *p);
/* How hard they are compressed. */
struct effort packer_effort(struct packer *p);

#endif
