/*
 * The command line: deploy [options] [TARGET [DIR]], deploy VERB [options]
 * [TARGET].  Options may stand before and behind the verb and between the
 * arguments; a bare word is never a directory.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strv.h"

struct options {
	const struct verb *verbs; /* the table */
	const struct verb *verb;
	const char *word;      /* the verb as typed, or NULL */
	struct strv args;      /* what is left: TARGET, DIR, an ID */
	size_t dashes;         /* of them, in front of `--' */
	bool help, version;    /* -h, -V: the verb is help, version */
	struct strv targets;   /* -t, repeated */
	const char *directory; /* -C */
	bool dry_run, json, force, rebuild, no_cache, no_activate;
	enum log_level level;    /* -q, -v */
	const char *ssh_config;  /* -F */
	struct strv identities;  /* -i */
	const char *jump;        /* -J */
	struct strv ssh_options; /* -o */
	int port;                /* -p */
	int family;              /* -4, -6 */
	const char *deployd;     /* --deployd */
	const char *transport;   /* --transport: auto, libssh2, openssh */
	bool wait;               /* --wait[=SECONDS], else 600 */
	uint64_t wait_seconds;
	const char *expect;   /* --expect */
	struct bucket *limit; /* --bwlimit, of all sessions; else NULL */
	const char *tar;      /* --tar */
	bool files;           /* diff --files */
	bool exit_code;       /* diff --exit-code */
	const char *binary;   /* setup --binary */
	bool remove;          /* setup --remove */
	uint64_t lines;       /* log -n, logs -n: the last lines; 0: all */
	bool follow;          /* logs -f */
	bool reveal;          /* env list --reveal */
	const char *confirm;  /* remove --confirm: the app's name */
	bool no_keep;         /* remove --no-keep */
	const char *output;   /* fetch -O */
};

/* A verb of the table in deploy.c. */
struct verb {
	const char *name;
	int (*run)(struct options *o, struct error *err); /* exit status */
	const char *arguments; /* for usage: "[TARGET [DIR]]" */
	const char *summary;
};

/* Every word a remote may not be named, those of later plans included. */
bool verb_is_reserved(const char *word);

/*
 * Fills o from argv, which it borrows; verbs is the table, its first the
 * default (push).  Errors are STATUS_USAGE and name the option; o is to be
 * released all the same.
 */
int options_parse(struct options *o, const struct verb *verbs, int argc,
	char **argv, struct error *err);
void options_release(struct options *o);
/* Three lines on standard error, for who typed nothing that helps. */
void options_usage(void);
/* `deploy help' and `deploy help VERB', on standard output. */
void options_help(const struct verb *verbs);
void options_help_verb(const struct verb *verb);

#endif
