/*
 * The intake: the process that decompresses and parses what a client sends
 * and writes it into tmp/.  It speaks with the session that forked it in
 * frames over a socketpair:
 *
 *	session                             intake
 *	manifest (as the client sent it) ─► decompresses, checks every rule,
 *	                                    writes its text into a file
 *	                                ◄── read
 *	offer, need, part (ranges)       ─► what comes, in this order
 *	settled                          ─► the need list is complete: what was
 *	                                    offered and bad comes behind it
 *	parts                            ─► bad ones come only where a part
 *	                                    says so
 *	files, amend (as sent)           ─► hashes each file, writes it if it is
 *	                                    right, with the mode it shall have
 *	                                ◄── got LINES: they are tmp/HEX now; at
 *	                                    the latest when no more is expected
 *	                                ◄── bad LINE: it is not what its line
 *	                                    says; expected once more, at the end
 *	                                    (a line may be a chunk's, which is a
 *	                                    member and a tmp/HEX like a file)
 *	                                ◄── fail (a result)
 *
 * The session amends its own manifest by the same frames and so never parses
 * anything compressed.
 */
#ifndef SERVER_INTAKE_H
#define SERVER_INTAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tree/manifest.h"
#include "wire/frame.h"

struct intake {
	pid_t pid;
	int text;               /* the manifest's text, as it came: whole or a
	                           difference; an unlinked file */
	struct channel channel; /* the session's end */
	int fd;
	int tmp; /* handle of .deployd/tmp */
	uint64_t reserve;
	bool failed; /* nothing is kept of what it was writing */
};

struct intake_options {
	int tmp;                     /* handle of .deployd/tmp, borrowed */
	const struct manifest *base; /* of a difference, or NULL */
	/* Limits; 0: none. */
	uint64_t most_entries, most_file_size;
	uint64_t most_manifest; /* bytes of its text */
	uint64_t reserve;       /* bytes that stay free on the disk */
	mode_t umask;           /* narrows the modes of files */
	/* What the files are of, where it is known already; base is not. */
	const struct manifest *manifest;
};

int intake_start(struct intake *in, const struct intake_options *o,
	struct error *err);
/* Its end of the channel has closed: why, with STATUS_TRANSFER. */
int intake_ended(const struct intake *in, struct error *err);
/*
 * Ends the process, keeps of the file that it was writing what is worth it
 * (parts.h), and releases everything; safe on a zeroed struct.
 */
void intake_stop(struct intake *in);

/* Applies an amend frame, one line "N TAB entry". */
struct intake_amended {
	uint32_t line; /* N */
	uint64_t was;  /* the size before */
};
int intake_amend(struct manifest *m, const char *data, size_t len,
	struct intake_amended *what, struct error *err);

#endif
