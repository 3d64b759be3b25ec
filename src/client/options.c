#include "client/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/option_table.h"

/* More options than this on one line are no use to anybody. */
#define USED_MOST 256

struct parser {
	struct options *o;
	int argc;
	char **argv;
	int at;    /* the argument that is looked at */
	bool bare; /* behind "--" */
	const struct option_rule *used[USED_MOST];
	size_t n;
	struct error *err;
};

bool
verb_is_reserved(const char *word)
{
	static const char *const words[] = { "push", "diff", "releases",
		"rollback", "activate", "status", "log", "help", "version",
		"setup", "init", "env", "run", "logs", "restart", "prune",
		"pin", "unpin", "remove", "fetch", "verify", "authorize",
		"doctor", "fsck" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static const struct verb *
find_verb(const struct verb *verbs, const char *name)
{
	for (; verbs->name; verbs++)
		if (!strcmp(verbs->name, name))
			return verbs;
	return NULL;
}

static int
usage(struct parser *p, const char *arg, const char *what)
{
	error_status(p->err, STATUS_USAGE, "%s %s", arg, what);
	return error_hint(p->err, "`deploy help' lists the options");
}

static int
take(struct parser *p, const struct option_rule *r, const char *value)
{
	if (p->n == USED_MOST)
		return usage(p, p->argv[p->at], "is one option too many");
	p->used[p->n++] = r;
	return option_apply(r, p->o, value, p->err);
}

/* The next argument, as the value of the option `spelled'. */
static const char *
next_value(struct parser *p, const char *spelled)
{
	if (p->at + 1 < p->argc)
		return p->argv[++p->at];
	usage(p, spelled, "needs a value");
	return NULL;
}

static int
take_long(struct parser *p, const char *arg)
{
	const char *sign = strchr(arg, '='), *value = NULL;
	size_t len = sign ? (size_t)(sign - arg) : strlen(arg);
	const struct option_rule *r;

	r = option_find(0, arg + 2, len - 2, p->o->verb);
	if (!r)
		return usage(p, arg, "is no option");
	if (sign)
		value = sign + 1;
	if (option_takes_value(r) && !value) {
		value = next_value(p, arg);
		if (!value)
			return -1;
	}
	if (value && r->kind != OPTION_MAYBE && !option_takes_value(r))
		return usage(p, arg, "has a value, but takes none");
	return take(p, r, value);
}

/* -v, -qv, -pPORT, -p PORT */
static int
take_short(struct parser *p, const char *arg)
{
	const char *s;

	for (s = arg + 1; *s; s++) {
		const struct option_rule *r = option_find(*s, NULL, 0,
			p->o->verb);
		char spelled[3] = { '-', *s, '\0' };
		const char *value = s[1] ? s + 1 : NULL;

		if (!r)
			return usage(p, spelled, "is no option");
		if (!option_takes_value(r)) {
			if (take(p, r, NULL) < 0)
				return -1;
			continue;
		}
		if (!value)
			value = next_value(p, spelled);
		return value ? take(p, r, value) : -1;
	}
	return 0;
}

static int
take_word(struct parser *p, const char *word)
{
	struct options *o = p->o;

	if (o->word || o->args.n || p->bare || !verb_is_reserved(word)) {
		strv_add(&o->args, word);
		o->dashes += !p->bare;
		return 0;
	}
	o->word = word;
	o->verb = find_verb(o->verbs, word);
	if (o->verb)
		return 0;
	error_status(p->err, STATUS_USAGE, "`deploy %s' is not there yet",
		word);
	return error_hint(p->err, "`deploy help' lists the verbs that are");
}

static int
take_argument(struct parser *p)
{
	const char *arg = p->argv[p->at];

	if (p->bare || arg[0] != '-' || arg[1] == '\0')
		return take_word(p, arg);
	if (strcmp(arg, "--") != 0)
		return arg[1] == '-' ? take_long(p, arg) : take_short(p, arg);
	p->bare = true;
	return 0;
}

/* Behind what was wrong it counts as well: how that is told. */
static bool
wants_json(const struct parser *p)
{
	int i;

	for (i = p->at; i < p->argc; i++)
		if (!strcmp(p->argv[i], "--json"))
			return true;
	return false;
}

/* -h and -V are the verbs of that name. */
static void
heed_help(struct options *o)
{
	if (!o->help && !o->version)
		return;
	strv_clear(&o->args);
	if (o->help && o->verb)
		strv_add(&o->args, o->verb->name);
	o->verb = find_verb(o->verbs, o->help ? "help" : "version");
}

/* A push that is none takes what diff takes. */
static int
check_diff(struct parser *p)
{
	const struct options *o = p->o;

	if (strcmp(o->verb->name, "push") || o->dry_run ||
		(!o->files && !o->exit_code))
		return 0;
	error_status(p->err, STATUS_USAGE,
		"--%s is for `deploy diff' and --dry-run",
		o->files ? "files" : "exit-code");
	return error_hint(p->err, "`deploy help diff' lists its options");
}

static int
check_options(struct parser *p)
{
	const struct verb *v = p->o->verb;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < p->n && option_fits(p->used[i], v); i++)
		;
	if (i == p->n)
		return check_diff(p);
	option_spell(p->used[i], &b);
	error_status(p->err, STATUS_USAGE, "%s is no option of `deploy %s'",
		b.data, v->name);
	buf_release(&b);
	return error_hint(p->err, "`deploy help %s' lists those that are",
		v->name);
}

/* As many words as the verb's line in `deploy help' has. */
static int
check_words(struct parser *p)
{
	const struct options *o = p->o;
	struct strv words = STRV_INIT;
	size_t most;

	strv_split(&words, o->verb->arguments, " []");
	most = strstr(o->verb->arguments, "...") ? o->args.n : words.n;
	strv_release(&words);
	if (o->args.n <= most)
		return 0;
	error_status(p->err, STATUS_USAGE, "'%s' is one word too many",
		o->args.v[most]);
	return error_hint(p->err, "usage: deploy %s [options] %s",
		o->verb->name, o->verb->arguments);
}

int
options_parse(struct options *o, const struct verb *verbs, int argc,
	char **argv, struct error *err)
{
	struct parser p = { .o = o, .argc = argc, .argv = argv, .err = err };

	memset(o, 0, sizeof(*o));
	o->verbs = verbs;
	o->level = LOG_NORMAL;
	for (p.at = 1; p.at < argc; p.at++)
		if (take_argument(&p) < 0) {
			o->json |= wants_json(&p);
			return -1;
		}
	heed_help(o);
	if (o->help || o->version)
		return 0;
	if (!o->verb)
		o->verb = verbs;
	return check_options(&p) < 0 ? -1 : check_words(&p);
}

void
options_release(struct options *o)
{
	free(o->limit);
	o->limit = NULL;
	strv_release(&o->args);
	strv_release(&o->targets);
	strv_release(&o->identities);
	strv_release(&o->ssh_options);
}
