/*
 * Large files of which the server holds a part: their chunks, each with its
 * place in a release or in tmp/, or with the line by which it is asked for.
 *
 * As with files, places are hints.  What a release's manifest says of a chunk
 * is believed if the index vouches for the file that it is in, else if its
 * re-read hash does; in any case the whole file is hashed when it has been put
 * together (assemble.h).  What no manifest divides, the server does.
 */
#ifndef SERVER_PLAN_CHUNKS_H
#define SERVER_PLAN_CHUNKS_H

#include "server/plan.h"

enum piece_where {
	PIECE_NONE, /* the client must send it */
	PIECE_TMP,  /* tmp/HEX, or with a path tmp/PATH */
	PIECE_RELEASE,
	PIECE_NEXT,
};

/* One content of a chunk; several chunks may share it. */
struct piece {
	uint8_t digest[DIGEST_SIZE];
	uint32_t length;
	enum piece_where where;
	const char *release, *path; /* the plan's; NULL where there is none */
	uint64_t offset;            /* there */
	uint32_t line;              /* it is asked for by this one, or 0 */
	uint32_t seen;              /* in that count of what is missing */
};

/* A file that is put together, or may be. */
struct divided {
	struct supply *u;
	const struct entry *e;
	struct piece **pieces; /* by the entry's chunk; the plan's */
	bool known; /* a release's manifest divides the file at this path */
};

/* Adds the lines of its chunks that the server lacks; their bytes. */
uint64_t plan_chunks_need(const struct divided *d, struct ranges *need);

#endif
