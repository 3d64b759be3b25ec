/*
 * The verbs that ask a server something and print its answer: a question to
 * each target in turn.
 */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "base/sink.h"
#include "client/options.h"
#include "client/project.h"
#include "client/watch.h"
#include "wire/message.h"

struct ask {
	const char *verb;
	bool changes;       /* something on the server: a signal aborts it */
	bool aside;         /* but not what is live, so that is not told */
	bool needs_release; /* a lone word is a release, not a target */
	bool own_words;     /* no word is a release: the verb has taken them */
	bool single;        /* of one target only */
	const struct strv *words; /* the words frame, or NULL: none */
	const struct buf *input;  /* the input frames, or NULL: none */
	bool follow, reveal;      /* of msg_ask */
	bool output;              /* output frames are printed as data */
	struct sink **sink;       /* where `take' writes, or NULL */
	bool text;                /* they are lines for people */
	bool streams;             /* standard input, unless it is a terminal */
	const char *point;        /* of struct watch, or NULL */
	/* Before each target is connected to, and may set words; may be NULL. */
	int (*begin)(struct ask *a, struct error *err);
	/* Is told each message of an answer that has ASK_ANSWER()'s only. */
	void (*tell)(struct ask *a, const void *m);
	const char *type;
	const struct message_field *fields;
	size_t size;
	/* Takes a frame of another answer; both NULL: there are none. */
	int (*take)(struct ask *a, const struct frame *f, struct error *err);
	/* Success; both may be NULL. */
	void (*done)(struct ask *a, const struct msg_result *r);
	void *arg;

	/* Set by ask_run(). */
	const struct target *target;
	const char *release; /* as it was asked for, or NULL */
	size_t targets;
	struct watch watch;
	const struct options *options;
	size_t told; /* messages of this target so far */
	bool headed; /* ask_heading() */
	/*
	 * Set by `tell', `take' or `done': of this target the answer is not
	 * well, so that the status is STATUS_LOCAL.
	 */
	bool wrong;
};

/* Frames of that type, each a struct msg_NAME. */
#define ASK_ANSWER(frame, name) \
	.type = (frame), .fields = msg_##name##_fields, \
	.size = sizeof(struct msg_##name)

/* Of several targets: whose the lines are that follow, said once. */
void ask_heading(struct ask *a);
/* What `take' returns for a frame it does not know. */
int ask_unexpected(const struct frame *f, struct error *err);
/*
 * Reads the project, chooses the targets and the release of the arguments,
 * asks them all.  The exit status: the first failure's, or STATUS_PARTIAL
 * where `changes' succeeded on some.
 */
int ask_run(struct ask *a, struct options *o, struct error *err);

#endif
