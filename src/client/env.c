/*
 * The verb env: env list|set|unset|import [TARGET] [NAME...|FILE].  The word
 * behind the first is the target if it is a remote's name or has a colon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/values.h"
#include "client/verbs.h"

struct job {
	struct strv args;  /* as they were typed */
	const char *what;  /* set, unset, list: what is asked for */
	const char *file;  /* of import */
	struct strv names; /* as given; of import, as read */
	struct strv pairs; /* NAME=value */
	struct strv words; /* for the server */
	struct buf input;
	const struct target *told; /* whose name was printed */
};

static int
usage(struct error *err, const char *text)
{
	error_status(err, STATUS_USAGE, "%s", text);
	return error_hint(err,
		"usage: deploy env [options] list|set|unset|"
		"import [TARGET] [NAME...|FILE]");
}

/* Not shown: it may be a value that got here by mistake. */
static int
check_name(const char *word, size_t number, const char *what, struct error *err)
{
	size_t len = env_name_length(word);

	if (env_is_name(word, strlen(word)))
		return 0;
	if (word[len] && env_is_name(word, len)) {
		error_status(err, STATUS_USAGE,
			"%.*s: a value on the command line can be read by "
			"everybody on this machine; nothing was sent",
			(int)len, word);
		return error_hint(err,
			"deploy env set %.*s asks for it, or reads standard "
			"input; this one is in the shell's history now",
			(int)len, word);
	}
	error_status(err, STATUS_USAGE,
		"word %zu behind %s is not a variable's name", number, what);
	return error_hint(err,
		"letters, digits and _, no digit at its "
		"beginning; a target comes in front of names");
}

static bool
is_target(const struct project *p, const char *word)
{
	size_t len = env_name_length(word);

	if (word[len] && env_is_name(word, len))
		return false;
	return strchr(word, ':') || project_has_remote(p, word);
}

/* The words behind the target: names, or the file. */
static int
take_rest(struct job *j, const char *what, char *const *words, size_t n,
	struct error *err)
{
	size_t i;

	if (j->file && n == 1) {
		j->file = words[0];
		return 0;
	}
	if (j->file)
		return usage(err,
			"env import needs a file, or - for standard "
			"input");
	if (!strcmp(what, "list"))
		return n ? usage(err, "env list takes a target only") : 0;
	if (n == 0)
		return usage(err, "env set and env unset need names");
	for (i = 0; i < n; i++) {
		if (check_name(words[i], i + 1, what, err) < 0)
			return -1;
		env_put(&j->names, words[i]);
	}
	return 0;
}

/* Of the word behind the first; a lone one of import is the file. */
static bool
has_target(const struct job *j, const struct strv *args,
	const struct project *p)
{
	if (!strcmp(j->what, "list"))
		return args->n > 1;
	return args->n > (j->file ? 2 : 1) && is_target(p, args->v[1]);
}

/* Leaves the target alone in the arguments. */
static int
take_words(struct job *j, struct options *o, const struct project *p,
	struct error *err)
{
	const char *what = o->args.n ? o->args.v[0] : "";
	struct strv target = STRV_INIT;
	size_t at = 1;

	j->file = !strcmp(what, "import") ? "" : NULL;
	j->what = j->file ? "set" : what;
	if (strcmp(j->what, "set") && strcmp(what, "unset") &&
		strcmp(what, "list"))
		return usage(err, "env needs to know what to do");
	if (has_target(j, &o->args, p))
		strv_add(&target, o->args.v[at++]);
	j->args = o->args;
	o->args = target;
	return take_rest(j, what, j->args.v + at, j->args.n - at, err);
}

static int
check_reveal(const struct job *j, const struct options *o, struct error *err)
{
	if (!o->reveal)
		return 0;
	if (strcmp(j->what, "list"))
		return usage(err, "--reveal is for env list");
	if (!o->json)
		return 0;
	error_status(err, STATUS_USAGE,
		"values are never told in events: --reveal and --json exclude "
		"each other");
	return error_hint(err,
		"without --json, standard output has what env import reads");
}

/* For the server: what is sent, and how the names are known afterwards. */
static int
pack(struct job *j, struct error *err)
{
	size_t i;

	strv_add(&j->words, j->what);
	for (i = 0; !strcmp(j->what, "unset") && i < j->names.n; i++)
		strv_add(&j->words, j->names.v[i]);
	for (i = 0; i < j->pairs.n; i++) {
		const char *pair = j->pairs.v[i];
		char *name = mem_strndup(pair, env_name_length(pair));

		env_put(&j->names, name);
		free(name);
		buf_add(&j->input, pair, strlen(pair) + 1);
	}
	if (j->input.len > ENV_MOST)
		return error_set(err, "more than 65,536 bytes of variables");
	return 0;
}

/* Who is asked is known before a value is typed. */
static int
gather(struct job *j, const struct options *o, const struct project *p,
	struct error *err)
{
	struct targets t = { 0 };
	int rc = targets_choose(&t, p, o, o->args.n ? o->args.v[0] : NULL, err);

	if (rc == 0 && !strcmp(j->what, "set")) {
		if (j->file)
			rc = values_import(j->file, &j->pairs, err);
		else
			rc = values_ask(&j->names,
				t.n == 1 ? t.v[0].text : "all targets",
				&j->pairs, err);
	}
	targets_release(&t);
	return rc < 0 ? -1 : pack(j, err);
}

static void
print_pair(const char *pair)
{
	struct buf line = BUF_INIT;

	env_write(pair, &line);
	/* Eyes on a terminal are to see what it holds, not to obey it. */
	if (isatty(STDOUT_FILENO))
		report_line("%.*s", (int)line.len - 1, line.data);
	else
		(void)fwrite(line.data, 1, line.len, stdout);
	buf_release(&line);
}

/* NAME=value; without values the name alone will do. */
static bool
is_variable(const char *pair, bool value)
{
	size_t n = env_name_length(pair);

	return env_is_name(pair, n) &&
		(pair[n] == '=' || (pair[n] == '\0' && !value));
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct job *j = a->arg;
	char *pair;

	/* A line that hooks refuse. */
	if (!strcmp(f->type, ".note") && watch_frame(&a->watch, f))
		return 0;
	if (strcmp(f->type, "variable") != 0)
		return ask_unexpected(f, err);
	pair = mem_strndup(f->data, f->len);
	if (!is_variable(pair, a->reveal)) {
		free(pair);
		return error_status(err, STATUS_TRANSFER,
			"the server sent what is no variable");
	}
	/* Whatever a server says: values only to who wants them. */
	if (!a->reveal)
		pair[env_name_length(pair)] = '\0';
	if (a->targets > 1 && j->told != a->target && !report_is_json())
		report_line("# %s", a->target->text);
	j->told = a->target;
	if (report_is_json())
		report_event("variable", "target", "s", a->target->text, "name",
			"s", pair, "change", "s", NULL, NULL);
	else if (a->reveal)
		print_pair(pair);
	else
		report_line("%s", pair);
	free(pair);
	return 0;
}

static void
listed(struct ask *a, const struct msg_result *r)
{
	const struct job *j = a->arg;

	if (j->told != a->target)
		log_info("%s has no variables", a->target->text);
}

static void
say_names(const struct job *j, const struct target *t)
{
	struct buf b = BUF_INIT;
	size_t i;

	if (j->file)
		buf_addf(&b, "%zu variable%s", j->names.n,
			j->names.n == 1 ? "" : "s");
	for (i = 0; !j->file && i < j->names.n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", j->names.v[i]);
	log_info("%s %s of %s", j->what, b.data, t->text);
	buf_release(&b);
}

static void
changed(struct ask *a, const struct msg_result *r)
{
	const struct job *j = a->arg;
	const struct target *t = a->target;
	size_t i;

	for (i = 0; i < j->names.n; i++)
		report_event("variable", "target", "s", t->text, "name", "s",
			j->names.v[i], "change", "s", j->what, NULL);
	if (r->outcome && !strcmp(r->outcome, "same")) {
		log_info("%s is so already; nothing was changed", t->text);
		return;
	}
	say_names(j, t);
	if (r->live)
		log_info("takes effect at the next restart: deploy restart %s",
			*t->remote ? t->remote : t->text);
	else
		log_info("takes effect with the first deploy");
}

static void
job_release(struct job *j)
{
	size_t i;

	for (i = 0; i < j->pairs.n; i++)
		explicit_bzero(j->pairs.v[i], strlen(j->pairs.v[i]));
	if (j->input.len)
		explicit_bzero(j->input.data, j->input.len);
	strv_release(&j->args);
	strv_release(&j->names);
	strv_release(&j->pairs);
	strv_release(&j->words);
	buf_release(&j->input);
}

int
verb_env(struct options *o, struct error *err)
{
	struct job j = { 0 };
	struct project p = { 0 };
	struct ask a = { .verb = "env",
		.own_words = true,
		.aside = true,
		.words = &j.words,
		.arg = &j };
	int rc = -1;

	signals_catch();
	if (project_open(&p, o->directory, NULL, err) == 0 &&
		take_words(&j, o, &p, err) == 0 &&
		check_reveal(&j, o, err) == 0 && gather(&j, o, &p, err) == 0)
		rc = 0;
	project_release(&p);
	if (rc == 0) {
		bool list = !strcmp(j.what, "list");

		a.changes = !list;
		a.reveal = o->reveal;
		a.input = j.input.len ? &j.input : NULL;
		a.take = list ? take : NULL;
		a.done = list ? listed : changed;
		rc = ask_run(&a, o, err);
	} else {
		rc = (int)err->status;
	}
	job_release(&j);
	return rc;
}
