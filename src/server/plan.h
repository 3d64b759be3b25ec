/*
 * Where each file of a new tree comes from: what the server holds already,
 * found by content, and what it lacks.
 *
 * Places are hints.  A file counts when its recorded stat data hold, else
 * when its re-read hash does.  Only the app's own store is looked at: a hash
 * is no proof of possession.
 */
#ifndef SERVER_PLAN_H
#define SERVER_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "server/busy.h"
#include "server/store.h"
#include "tree/index.h"
#include "tree/manifest.h"
#include "wire/message.h"

enum supply_where {
	SUPPLY_NONE,    /* the client must send it */
	SUPPLY_EMPTY,   /* no bytes at all */
	SUPPLY_KEPT,    /* next/PATH, which stays there */
	SUPPLY_NEXT,    /* next/PATH, which goes: moved to tmp/HEX first */
	SUPPLY_TMP,     /* tmp/HEX: an upload that was verified */
	SUPPLY_RELEASE, /* releases/ID/PATH */
	SUPPLY_CHUNKS,  /* in pieces, some to be sent: plan_chunks.h */
};

/*
 * Where a file of a release is, and what it was when its content was found to
 * be right: it is the app's, which may change it before it is copied.
 */
struct origin {
	const char *release;
	struct index_stat was;
	bool settled; /* any change since shows in that */
	char path[];
};

/* One content of the tree; several entries may share it. */
struct supply {
	uint8_t digest[DIGEST_SIZE];
	enum supply_where where;
	const char *path; /* of NEXT the plan's, of KEPT the manifest's */
	const struct origin *origin; /* of RELEASE; the plan's */
	uint64_t size;
	uint32_t users; /* entries that are not in place */
	uint32_t line;  /* of the first entry: asked for by it */
};

/* Whether next/ has it right where it belongs. */
enum plan_place {
	PLACE_NOT,
	PLACE_UNSETTLED, /* it was read, in the very tick of its last change */
	PLACE_HASHED,    /* it was read, so it may be in memory only */
	PLACE_SYNCED,    /* next.index vouches for it: it was synced then */
};

/*
 * What next.index has as the digest of a directory or a link: zeros, or this
 * in front if only its stat data hold, and it was not synced.
 */
#define PLAN_UNSYNCED 1

/* What stands in next/ where an entry goes, if it belongs there. */
struct plan_seen {
	uint64_t inode;
	int64_t mtime, ctime; /* nanoseconds since 1970 */
	uint16_t mode;        /* permission bits */
	uint8_t place;        /* enum plan_place */
};

struct plan {
	const struct manifest *m;
	struct supply *v;
	size_t n;
	uint32_t *by_entry;      /* place in m -> place in v; files only */
	struct plan_seen *seen;  /* by place in m */
	struct strv strays;      /* paths in next/ of what does not belong */
	struct divided *divided; /* those of SUPPLY_CHUNKS, in order */
	size_t n_divided, cap_divided;
	struct piece *pieces; /* theirs */
	bool fresh;           /* next/ was not looked at: none of it stays */
	bool outdated;        /* by a source that changed while it was staged */
	struct arena arena;
	struct buf reason; /* why something was not used, for -v */
};

/* How far what is recorded of chunks is believed. */
enum plan_trust {
	CHUNKS_VOUCHED,  /* as that of files is */
	CHUNKS_VERIFIED, /* each is hashed again: one was wrong */
	CHUNKS_NOT,      /* not at all: that did not help */
};

struct plan_options {
	bool fresh; /* --no-cache, whose session empties tmp/ first: only
	               tmp/ is looked at */
	bool look;  /* --dry-run: nothing is changed; else damaged leftovers
	               are removed, closed directories in next/ opened */
	const struct ranges *offer; /* files on their way, or NULL */
	enum plan_trust chunks;
	const struct strv *without; /* releases that do not count, or NULL */
	bool spare;                 /* for the spare: tmp/ is left alone */
	const struct busy *busy;
};

/* Fills p, which is to be released in any case. */
int plan_make(struct plan *p, struct store *s, const struct manifest *m,
	const struct plan_options *o, struct error *err);
void plan_release(struct plan *p);

/* Notes what stands there now. */
void plan_note(struct plan *p, size_t place, const struct stat *st,
	enum plan_place how);
/* The supply of a file entry. */
struct supply *plan_supply(const struct plan *p, const struct entry *e);
/* Lines to ask for; adds up the files they are of, and their bytes. */
void plan_need(const struct plan *p, struct ranges *need, uint64_t *files,
	uint64_t *bytes);
/* Bytes that are copied on the way; what is moved or stays is none. */
uint64_t plan_copies(const struct plan *p);
/* Files, links and directories that are made, uploads included; at most. */
uint64_t plan_makes(const struct plan *p);

#endif
