/*
 * The verb env: the variables of an app's env file.
 *
 *	words   list | set | unset NAME...
 *	input   of set: NAME=value strings, each with a NUL behind it
 *	answer  to list: variable frames
 *
 * The file is replaced in one step, under a lock of its own, so a deploy
 * that is going on does not hold it up.  Values go nowhere but into it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/io.h"
#include "server/apps.h"
#include "server/env_file.h"
#include "server/hooks.h"

/* For store_open(). */
#define SET "deploy env set local:"
#define UNSET "deploy env unset local:"

/* Of input's strings each is checked before anything is made. */
static int
take_pairs(struct query *q, struct strv *pairs)
{
	struct buf input = BUF_INIT;
	const char *at, *end;
	int rc = query_input(q, ENV_MOST, &input);

	at = buf_str(&input);
	end = at + input.len;
	if (rc == 0 && (at == end || end[-1]))
		rc = error_status(q->err, STATUS_TRANSFER,
			"env set needs NAME=value strings");
	for (; rc == 0 && at < end; at += strlen(at) + 1) {
		rc = env_check(at, q->err);
		env_put(pairs, at);
	}
	buf_release(&input);
	return rc;
}

static void
note_new_app(struct query *q)
{
	char *near = apps_near_miss(q->s->config, q->ask.app);

	session_note(q->s, "%s is a new app here%s%s", q->ask.app,
		near ? "; " : "", near ? near : "");
	free(near);
}

/* Before the first deploy too: a build may need what is set. */
static int
open_or_make(struct query *q)
{
	if (session_open_app(q->s, q->ask.app, false, SET, q->err) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	note_new_app(q);
	if (session_open_app(q->s, q->ask.app, true, SET, q->err) < 0)
		return -1;
	(void)io_fsync(q->s->store.root);
	return 0;
}

static int
serve_set(struct query *q, struct env_file *e)
{
	struct strv pairs = STRV_INIT;
	int rc = -1;

	if (take_pairs(q, &pairs) == 0 && open_or_make(q) == 0 &&
		env_file_lock(e) == 0 && env_file_read(e) == 0)
		rc = env_file_change(e, "env-set", &pairs);
	strv_release(&pairs);
	return rc;
}

/* Those that are not there are told: perhaps they were mistyped. */
static void
take_present(struct env_file *e, const struct strv *words, struct strv *names)
{
	struct strv env = STRV_INIT;
	size_t i;

	env_read(buf_str(&e->text), e->text.len, &env);
	for (i = 1; i < words->n; i++)
		if (env_find(&env, words->v[i], strlen(words->v[i])))
			env_put(names, words->v[i]);
		else
			session_note(e->q->s, "%s was not set", words->v[i]);
	strv_release(&env);
}

static int
serve_unset(struct query *q, struct env_file *e, const struct strv *words)
{
	struct strv names = STRV_INIT;
	size_t i;
	int rc;

	for (i = 1; i < words->n; i++)
		if (!env_is_name(words->v[i], strlen(words->v[i])))
			return error_status(q->err, STATUS_TRANSFER,
				"env unset needs names");
	if (session_open_app(q->s, q->ask.app, false, UNSET, q->err) < 0 ||
		env_file_lock(e) < 0 || env_file_read(e) < 0)
		return -1;
	take_present(e, words, &names);
	rc = env_file_change(e, "env-unset", &names);
	strv_release(&names);
	return rc;
}

static int
serve_list(struct query *q, struct env_file *e)
{
	struct strv env = STRV_INIT;
	size_t i;
	int rc = -1;

	if (session_open_app(q->s, q->ask.app, false, NULL, q->err) == 0 &&
		env_file_read(e) == 0)
		rc = 0;
	env_read(buf_str(&e->text), e->text.len, &env);
	for (i = 0; rc == 0 && i < env.n; i++)
		rc = query_output(q, "variable", env.v[i],
			q->ask.reveal ? strlen(env.v[i]) :
					env_name_length(env.v[i]));
	strv_release(&env);
	return rc;
}

/* Variables decide what hooks run, and which programs do. */
static int
check_may_change(struct query *q)
{
	if (!q->s->config->no_hooks)
		return 0;
	error_status(q->err, STATUS_REFUSED,
		"this key has --hooks none, and may not change variables: "
		"some of them, as PATH, decide what hooks run");
	return error_hint(q->err, "somebody with another key has to do it");
}

/* What hooks refuse is told before a rollback needs them. */
static void
note_unfit(struct query *q)
{
	const struct store *s = &q->s->store;
	struct error why = ERROR_INIT;

	if (q->s->opened && config_hooks(q->s->config, s->app) == HOOKS_TREE &&
		hook_environment_check(s->dir, s->path, &why) < 0)
		session_note(q->s, "%s; %s", why.text, why.hint);
}

int
query_env(struct query *q)
{
	struct env_file e;
	struct strv words = STRV_INIT;
	const char *what;
	int rc = query_words(q, &words);

	env_file_init(&e, q);
	what = words.n ? words.v[0] : "";
	if (rc < 0)
		; /* it is said */
	else if (!strcmp(what, "list") && words.n == 1)
		rc = serve_list(q, &e);
	else if (q->ask.reveal)
		rc = error_status(q->err, STATUS_REFUSED,
			"values are revealed by env list only");
	else if (check_may_change(q) < 0)
		rc = -1;
	else if (!strcmp(what, "set") && words.n == 1)
		rc = serve_set(q, &e);
	else if (!strcmp(what, "unset") && words.n > 1)
		rc = serve_unset(q, &e, &words);
	else
		rc = error_status(q->err, STATUS_REFUSED,
			"this deployd does not know `env %s' in that form",
			what);
	if (rc == 0)
		note_unfit(q);
	env_file_release(&e);
	strv_release(&words);
	return rc;
}
