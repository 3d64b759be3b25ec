/* What a push must pass before anything is received: limits and guards. */
#ifndef SERVER_PUSH_CHECKS_H
#define SERVER_PUSH_CHECKS_H

#include <sys/statvfs.h>

#include "server/config.h"
#include "server/room.h"
#include "server/store.h"
#include "wire/message.h"

/* --expect: this release, or nothing else, is live now. */
int check_expected(const struct msg_push *ask, const struct record *live,
	struct error *err);
/* The numbers announced, against deployd.conf's limits. */
int check_limits(const struct config *c, const struct msg_push *ask,
	struct error *err);
/* The same for what an entry, and the manifest, really says. */
int check_entry(const struct config *c, const struct entry *e,
	struct error *err);
int check_manifest(const struct config *c, const struct manifest *m,
	struct error *err);
/*
 * The guards that save people, overridden by --force and then recorded: a
 * held tree, an empty one, one with under a tenth of the live one's files,
 * one that lost its hooks.
 */
int check_guards(const struct store *s, const struct msg_push *ask,
	const struct record *live, const char *who, struct error *err);
/* What a push needs of the file system. */
struct space {
	uint64_t upload, copies; /* bytes */
	uint64_t makes;          /* files, links and directories */
	struct room_gain gain;   /* what may be taken as free besides */
};

/*
 * Room for what is uploaded, with so much left over besides, and for what is
 * copied of other releases, which costs nothing where it can be cloned; and
 * inodes, of which one in a hundred is left.  A deploy that uploads nothing
 * needs no reserve.
 */
int check_space(const struct store *s, const struct space *need,
	uint64_t reserve, struct error *err);
/* So many inodes an upload leaves, and needs for what is not of its tree. */
uint64_t check_inodes_spared(const struct statvfs *v);

#endif
