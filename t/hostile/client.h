/*
 * The hostile client: conversations that are honest but for one step, and
 * what has to become of each.  A table's function builds the step from a row.
 */
#ifndef HOSTILE_CLIENT_H
#define HOSTILE_CLIENT_H

#include "talk.h"

/* In order; FILES and what follows is sent once need-end has come. */
enum step {
	GREETING,
	HELLO,
	PUSH,
	FULL,
	SETTINGS,
	MANIFEST,
	OFFER,
	FILES,
	GO,
	STEPS
};

struct conversation {
	struct buf step[STEPS];
	enum step waits;  /* this step is sent after `for_what' has come */
	const char *sign; /* need-end, unless set otherwise */
	bool hangs_up;    /* the end is closed behind what was said first */
	bool drips;       /* pings, a few a second, follow for ever */
	bool deaf;        /* nothing that it says is read before it has ended */
	size_t sips;      /* or so many bytes a tenth of a second */
	bool mute;        /* it is read for as long, and says nothing more */
	const char *serve; /* a further option of deployd, or NULL */
	/* Done when the sign has come; what went wrong, or NULL. */
	const char *(*meanwhile)(const char *token);
};

/* A deploy of the tree below, with `then build', that is accepted. */
void honest(struct conversation *c);
/* The same of the live tree with one edit, as a difference, with an offer. */
void honest_difference(struct conversation *c);
/* Nothing behind this step is said. */
void only_to(struct conversation *c, enum step last);
/* A step is this frame instead, or these bytes. */
void say(struct conversation *c, enum step step, const char *type,
	const void *payload, size_t len);
void say_raw(struct conversation *c, enum step step, const void *data,
	size_t len);

/*
 * The request with that key's line changed, added, or left out (NULL).  It
 * has to come behind what sets the tree.
 */
void push_key(struct conversation *c, const char *key, const char *value);
/* The settings, and what push says of them. */
void tell_settings(struct conversation *c, const char *text, size_t len);
/*
 * The manifest of these lines, whose tree id, end line and numbers are made
 * right here and in push.
 */
void tell_manifest(struct conversation *c, const char *lines, size_t len);
/* The text as it is, compressed; push has the id of its lines. */
void tell_text(struct conversation *c, const struct buf *text);
/* The same without touching push. */
void tell_packed(struct conversation *c, const struct buf *text);
/* The tar archive, compressed, as the files stream, or as more of it. */
void tell_tar(struct conversation *c, const struct buf *tar);
void add_tar(struct conversation *c, const struct buf *tar);

/*
 * Has the conversation, judges it, prints the line of the case whose name
 * `fmt' is, and releases c.
 */
#define BUILT 0
#define NO_RESULT -1
void expect(struct conversation *c, int status, const char *says,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The tree: two files in dir/, a link, one of 600 bytes. */
#define TREE_FILES 3
extern struct content {
	const char *path;
	const char *data;
	size_t len;
} contents[TREE_FILES];
/* Its lines but the end. */
extern struct buf tree_lines;
/* The hash of the whole text of the live release's manifest. */
extern char base_hash[HEX + 1];

/* From here on deployd reads these settings, besides some of its own. */
void deployd_conf(const char *text);
/* A further conversation, with no more in it than its caller puts there. */
void lane_start(struct child *c);

/* client_tar.c: a plain member, as an honest client writes it. */
void tar_member(struct buf *tar, const char *name, const void *data,
	size_t len);
void tar_all(struct buf *tar);

/* The tables. */
void client_frames(void);
void client_messages(void);
void client_states(void);
void client_manifests(void);
void client_differences(void);
void client_ranges(void);
void client_tars(void);
void client_streams(void);
void client_verbs(void);
void client_settings(void);
void client_lanes(void);
void client_limits(void);
void client_deaf(void);

#endif
