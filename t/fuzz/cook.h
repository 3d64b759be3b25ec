/*
 * Conversations for fuzzers, in a form in which a change mostly leaves a
 * conversation: no lengths, nothing compressed, and hashes that are filled in.
 *
 *	deploy-protocol 1          what comes first is taken as it is
 *	>hello                     a frame; its payload ends at the next
 *	version 1                  line that begins with ">"
 *	>push
 *	tree @                     of the manifest that follows; so are
 *	settings @                 base, files, bytes and entries, here and in
 *	                           >release, whose "id X-@" ends with it
 *	>manifest                  compressed, unless it is already
 *	f	644	@	a  size and hash of the next >file
 *	end	@
 *	>files                     the bytes of a tar, likewise; headers get
 *	                           their checksums
 *	>file                      a member of it, with these contents
 *	>zeros                     a member of so many zeros
 *	>zip                       a files frame of these bytes, compressed
 *	>wait                      what follows is said when the other side
 *	                           has nothing more to do
 *	>                          bytes as they are, between frames
 */
#ifndef FUZZ_COOK_H
#define FUZZ_COOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tree/manifest.h"

#define COOK_WAITS 8

/* Kept open over several calls: one stream goes on in what comes next. */
struct cook {
	const struct manifest *base; /* that a difference is against, or NULL */
	struct zout *manifest, *files;
	struct buf text;   /* of the manifest, all of it, hashes filled in */
	struct manifest m; /* that text; empty if it is none */
	size_t waits[COOK_WAITS]; /* places in what came out last */
	size_t n_waits;
};

void cook_init(struct cook *c, const struct manifest *base);
void cook_release(struct cook *c);

/* One frame's type and payload at *at, which moves behind it; 0 at the end. */
struct cook_frame {
	char type[17]; /* "": raw bytes */
	const char *data;
	size_t len;
};
int cook_next(const char **at, const char *end, struct cook_frame *f);
bool cook_is(const struct cook_frame *f, const char *type);
/* It begins as what is compressed does. */
bool cook_is_packed(const struct cook_frame *f);
/* How many a ">zeros" asks for. */
size_t cook_zeros(const struct cook_frame *f);

/* cook_manifest.c: the text and what it says; settings become that frame. */
void cook_manifest(struct cook *c, const char *at, const char *end,
	struct cook_frame *settings);

/* What size bytes at data stand for. */
void cook(struct cook *c, const void *data, size_t size, struct buf *out);

#endif
