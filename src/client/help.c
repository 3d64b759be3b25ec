/* The verbs help and version, and what usage errors show. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "client/option_table.h"
#include "client/report.h"
#include "client/verbs.h"

#define COLUMN 24

void
options_usage(void)
{
	fputs("usage: deploy [options] TARGET [DIR]    a TARGET is "
	      "[user@]host:app\n"
	      "       deploy [options] VERB [TARGET]   or a remote of "
	      "deploy.conf\n"
	      "       deploy help                      lists the options "
	      "and verbs\n",
		stderr);
}

/* Options of one verb, or with NULL all. */
static void
print_options(const struct verb *v)
{
	const struct option_rule *r;
	struct buf b = BUF_INIT;

	for (r = option_rules; r->help; r++) {
		if (v && !option_fits(r, v))
			continue;
		buf_clear(&b);
		option_spell(r, &b);
		printf("  %-*s  %s\n", COLUMN, b.data, r->help);
	}
	buf_release(&b);
}

void
options_help(const struct verb *verbs)
{
	const struct verb *v;

	printf("usage: deploy [options] [TARGET [DIR]]\n"
	       "       deploy VERB [options] [TARGET]\n\n"
	       "TARGET is [user@]host:app, ssh://[user@]host[:port]/app, "
	       "local:app,\nor the name of a remote in deploy.conf.\n\n");
	for (v = verbs; v->name; v++)
		printf("  %-10s%-*s  %s\n", v->name, COLUMN - 10, v->arguments,
			v->summary);
	putchar('\n');
	print_options(NULL);
}

void
options_help_verb(const struct verb *v)
{
	printf("usage: deploy %s [options] %s\n\n%s\n\n", v->name, v->arguments,
		v->summary);
	print_options(v);
}

int
verb_help(struct options *o, struct error *err)
{
	const struct verb *v = o->verbs;

	report_json(false); /* it is for people */
	if (o->args.n == 0) {
		options_help(o->verbs);
		return STATUS_OK;
	}
	while (v->name && strcmp(v->name, o->args.v[0]))
		v++;
	if (!v->name) {
		error_status(err, STATUS_USAGE,
			verb_is_reserved(o->args.v[0]) ? "%s is not there yet" :
							 "no such verb: %s",
			o->args.v[0]);
		error_hint(err, "`deploy help' lists the verbs");
		return STATUS_USAGE;
	}
	options_help_verb(v);
	return STATUS_OK;
}

int
verb_version(struct options *o, struct error *err)
{
	if (report_is_json())
		report_event("version", "version", "s", VERSION, NULL);
	else
		printf("deploy %s\n", VERSION);
	return STATUS_OK;
}
