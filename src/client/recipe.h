/*
 * What a project is, by what lies in its directory, and what deploy.conf and
 * a systemd unit for it say.  All of it is a guess that is written for a
 * person to read: recipe_find() decides, init_text.c words it.
 *
 * Commands are for /bin/sh in the release's directory.  They must hold on a
 * server that has no more than the language's packages, with PATH as hooks
 * have it.
 */
#ifndef CLIENT_RECIPE_H
#define CLIENT_RECIPE_H

#include "base/strv.h"
#include "client/survey.h"

struct recipe {
	struct survey *at;
	const char *app;
	const char *kind;    /* "Node"; NULL: nothing that is known */
	const char *because; /* the file that told */
	const char *dir;     /* [app] dir, or NULL */
	const char *before;  /* [local] before, or NULL */
	bool front_end;      /* package.json is built, too */
	struct strv carry, shared;
	struct strv build, migrate; /* commands */
	const char *start;          /* of the service, or NULL: none */
	const char *path;           /* its programs, in the release: bin */
	const char *environment;    /* NAME=value for the unit, or NULL */
	int port;                   /* $PORT for start */
	const char *web_root;       /* for a web server, in the release */
	struct strv notes;          /* what to look at or edit, a sentence */
};

/* One kind of project. */
struct recipe_kind {
	const char *name;
	const char *const *files; /* any of these tells; ends with a NULL */
	void (*fill)(struct recipe *r);
};

/* Looks; app names what is made.  r is to be released all the same. */
int recipe_find(struct recipe *r, struct survey *at, const char *app);
void recipe_release(struct recipe *r);

/* For those who fill it: one more build command, one more note. */
void recipe_build(struct recipe *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void recipe_note(struct recipe *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A directory that is made on the server and should not be sent. */
void recipe_keep_home(struct recipe *r, const char *dir);

/* A file each, or two. */
void recipe_node(struct recipe *r);
/* Another kind's, with a front end that package.json builds. */
void recipe_node_assets(struct recipe *r);
void recipe_python(struct recipe *r);
void recipe_go(struct recipe *r);
void recipe_rust(struct recipe *r);
void recipe_make(struct recipe *r);
void recipe_ruby(struct recipe *r);
void recipe_php(struct recipe *r);
void recipe_hugo(struct recipe *r);
void recipe_mkdocs(struct recipe *r);
void recipe_static(struct recipe *r);

#endif
