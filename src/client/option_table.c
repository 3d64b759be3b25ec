#include "client/option_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#define WAIT_SECONDS 600
#define COUNT_MOST 9 /* digits */
#define RATE_MOST 0x1p40

static int
bad_value(struct error *err, const char *option, const char *value,
	const char *want)
{
	error_status(err, STATUS_USAGE, "%s: '%s' is not %s", option, value,
		want);
	return error_hint(err, "`deploy help' lists the options");
}

static int
parse_count(const char *value, uint64_t *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < COUNT_MOST && isdigit((unsigned char)value[i]); i++)
		*out = *out * 10 + (uint64_t)(value[i] - '0');
	return i > 0 && value[i] == '\0' ? 0 : -1;
}

static int
set_quiet(struct options *o, const char *value, struct error *err)
{
	o->level = LOG_QUIET;
	return 0;
}

static int
set_verbose(struct options *o, const char *value, struct error *err)
{
	if (o->level < LOG_NORMAL)
		o->level = LOG_NORMAL;
	if (o->level < LOG_DEBUG)
		o->level++;
	return 0;
}

static int
set_ipv4(struct options *o, const char *value, struct error *err)
{
	o->family = AF_INET;
	return 0;
}

static int
set_ipv6(struct options *o, const char *value, struct error *err)
{
	o->family = AF_INET6;
	return 0;
}

static int
set_port(struct options *o, const char *value, struct error *err)
{
	uint64_t port;

	if (parse_count(value, &port) < 0 || port < 1 || port > 65535)
		return bad_value(err, "-p", value, "a port");
	o->port = (int)port;
	return 0;
}

static int
set_lines(struct options *o, const char *value, struct error *err)
{
	if (parse_count(value, &o->lines) < 0 || o->lines == 0)
		return bad_value(err, "-n", value, "a number of lines");
	return 0;
}

static int
set_wait(struct options *o, const char *value, struct error *err)
{
	o->wait = true;
	o->wait_seconds = WAIT_SECONDS;
	if (value && parse_count(value, &o->wait_seconds) < 0)
		return bad_value(err, "--wait", value, "a number of seconds");
	return 0;
}

static int
set_transport(struct options *o, const char *value, struct error *err)
{
	if (strcmp(value, "auto") && strcmp(value, "libssh2") &&
		strcmp(value, "openssh"))
		return bad_value(err, "--transport", value,
			"auto, libssh2 or openssh");
	o->transport = value;
	return 0;
}

static int
set_deployd(struct options *o, const char *value, struct error *err)
{
	static const char more[] = "_./~+-";
	size_t i;

	for (i = 0; isalnum((unsigned char)value[i]) ||
		(value[i] && strchr(more, value[i]));)
		i++;
	if (i == 0 || value[i] || value[0] == '-')
		return bad_value(err, "--deployd", value,
			"a path of letters, digits and _./~+-");
	o->deployd = value;
	return 0;
}

static int
set_setting(struct options *o, const char *value, struct error *err)
{
	const char *sign = strchr(value, '=');

	if (!sign || sign == value)
		return bad_value(err, "-o", value, "KEY=VALUE");
	strv_add(&o->ssh_options, value);
	return 0;
}

static int
set_expect(struct options *o, const char *value, struct error *err)
{
	if (!*value)
		return bad_value(err, "--expect", value, "a release");
	o->expect = value;
	return 0;
}

/* "100", "1.5m": KiB a second, or of another unit; 0 is no limit. */
static int
parse_rate(const char *s, double *rate)
{
	static const char units[] = "kmg";
	const char *unit;
	char *end;

	/* strtod() alone takes signs, blanks, exponents and names. */
	if (!isdigit((unsigned char)*s) ||
		s[strspn(s, "0123456789.kKmMgG")] != '\0')
		return -1;
	*rate = strtod(s, &end) * 1024;
	if (*end == '\0')
		return 0;
	unit = strchr(units, tolower((unsigned char)*end));
	if (!unit || end[1] != '\0')
		return -1;
	for (; unit > units; unit--)
		*rate *= 1024;
	return 0;
}

static int
set_bwlimit(struct options *o, const char *value, struct error *err)
{
	double rate;

	if (parse_rate(value, &rate) < 0 || rate > RATE_MOST ||
		(rate > 0 && rate < 1))
		return bad_value(err, "--bwlimit", value,
			"a rate such as 500, 1.5M or 0");
	free(o->limit);
	o->limit = NULL;
	if (rate < 1)
		return 0;
	o->limit = mem_alloc(sizeof(*o->limit));
	bucket_init(o->limit, (uint64_t)rate, io_now_us());
	return 0;
}

#define AT(field) offsetof(struct options, field)
#define TREE "push diff"
#define CHANGE "push diff rollback activate"
#define LOCKING CHANGE " restart prune pin unpin remove fsck"
#define EXPECT CHANGE " restart"

const struct option_rule option_rules[] = {
	{ 'C', NULL, OPTION_TEXT, AT(directory), NULL, NULL, "DIR",
		"work as if started in DIR" },
	{ 't', NULL, OPTION_LIST, AT(targets), NULL, NULL, "TARGET",
		"a target; repeat it for several" },
	{ 'n', "dry-run", OPTION_FLAG, AT(dry_run), NULL,
		TREE " init prune fsck", NULL,
		"tell what would change and be sent; change nothing" },
	{ 'q', "quiet", OPTION_CALL, 0, set_quiet, NULL, NULL,
		"print nothing unless it fails" },
	{ 'v', "verbose", OPTION_CALL, 0, set_verbose, NULL, NULL,
		"tell more; twice: for debugging" },
	{ 0, "json", OPTION_FLAG, AT(json), NULL, NULL, NULL,
		"events on standard output, one object a line" },
	{ 0, "force", OPTION_FLAG, AT(force), NULL, CHANGE " remove fetch",
		NULL, "override a refusal" },
	{ 0, "rebuild", OPTION_FLAG, AT(rebuild), NULL, TREE, NULL,
		"build and activate even if nothing changed" },
	{ 0, "no-cache", OPTION_FLAG, AT(no_cache), NULL, TREE, NULL,
		"use no cache on either side: send everything" },
	{ 0, "no-activate", OPTION_FLAG, AT(no_activate), NULL, TREE, NULL,
		"stop after the build" },
	{ 0, "wait", OPTION_MAYBE, 0, set_wait, LOCKING, "SECONDS",
		"wait for another deploy to end (600 seconds)" },
	{ 0, "expect", OPTION_VALUE, 0, set_expect, EXPECT, "ID",
		"refuse unless this release is live" },
	{ 0, "bwlimit", OPTION_VALUE, 0, set_bwlimit, TREE " env run", "RATE",
		"send at most RATE KiB a second, or 1.5M, 1G" },
	{ 0, "tar", OPTION_TEXT, AT(tar), NULL, TREE, "FILE",
		"deploy what is in an archive; - is standard input" },
	{ 0, "files", OPTION_FLAG, AT(files), NULL, TREE, NULL,
		"with diff: every path, and the rule that decided" },
	{ 0, "exit-code", OPTION_FLAG, AT(exit_code), NULL, TREE, NULL,
		"with diff: status 1 if something differs" },
	{ 'n', NULL, OPTION_VALUE, 0, set_lines, "log logs", "LINES",
		"with log and logs: the last lines only" },
	{ 'f', "follow", OPTION_FLAG, AT(follow), NULL, "logs", NULL,
		"with logs: go on as lines come" },
	{ 0, "reveal", OPTION_FLAG, AT(reveal), NULL, "env", NULL,
		"with env list: the values too" },
	{ 0, "binary", OPTION_TEXT, AT(binary), NULL, "setup", "FILE",
		"with setup: the deployd to send" },
	{ 0, "remove", OPTION_FLAG, AT(remove), NULL, "setup", NULL,
		"with setup: take deployd away again" },
	{ 0, "confirm", OPTION_TEXT, AT(confirm), NULL, "remove", "APP",
		"with remove: the app's name, instead of asking for it" },
	{ 0, "no-keep", OPTION_FLAG, AT(no_keep), NULL, "remove", NULL,
		"with remove: keep no archive of shared and env" },
	{ 'O', "output", OPTION_TEXT, AT(output), NULL, "fetch", "FILE",
		"with fetch: the archive, instead of standard output" },
	{ 0, "deployd", OPTION_VALUE, 0, set_deployd, NULL, "PATH",
		"the program on the server" },
	{ 0, "transport", OPTION_VALUE, 0, set_transport, NULL, "KIND",
		"how to connect: auto, libssh2 or openssh" },
	{ 'F', NULL, OPTION_TEXT, AT(ssh_config), NULL, NULL, "FILE",
		"ssh's configuration file" },
	{ 'i', NULL, OPTION_LIST, AT(identities), NULL, NULL, "FILE",
		"a private key; repeat it for several" },
	{ 'p', NULL, OPTION_VALUE, 0, set_port, NULL, "PORT", "the port" },
	{ 'J', NULL, OPTION_TEXT, AT(jump), NULL, NULL, "HOST",
		"jump over this host" },
	{ 'o', NULL, OPTION_VALUE, 0, set_setting, NULL, "KEY=VALUE",
		"an option of ssh_config" },
	{ '4', NULL, OPTION_CALL, 0, set_ipv4, NULL, NULL, "IPv4 only" },
	{ '6', NULL, OPTION_CALL, 0, set_ipv6, NULL, NULL, "IPv6 only" },
	{ 'h', "help", OPTION_FLAG, AT(help), NULL, NULL, NULL,
		"this; behind a verb: its options" },
	{ 'V', "version", OPTION_FLAG, AT(version), NULL, NULL, NULL,
		"the version" },
	{ 0, NULL, OPTION_FLAG, 0, NULL, NULL, NULL, NULL },
};

bool
option_takes_value(const struct option_rule *r)
{
	return r->kind == OPTION_TEXT || r->kind == OPTION_LIST ||
		r->kind == OPTION_VALUE;
}

bool
option_fits(const struct option_rule *r, const struct verb *v)
{
	struct strv words = STRV_INIT;
	bool fits;

	if (!r->verbs)
		return true;
	strv_split(&words, r->verbs, " ");
	fits = strv_has(&words, v->name);
	strv_release(&words);
	return fits;
}

const struct option_rule *
option_find(char letter, const char *name, size_t len, const struct verb *v)
{
	const struct option_rule *r, *other = NULL;

	for (r = option_rules; r->help; r++) {
		if (letter ? r->letter != letter :
			     !r->name || strlen(r->name) != len ||
					strncmp(r->name, name, len))
			continue;
		if (!v || option_fits(r, v))
			return r;
		if (!other)
			other = r;
	}
	return other;
}

void
option_spell(const struct option_rule *r, struct buf *out)
{
	if (r->letter)
		buf_addf(out, "-%c", r->letter);
	if (r->letter && r->name)
		buf_addstr(out, ", ");
	if (r->name)
		buf_addf(out, "--%s", r->name);
	if (r->kind == OPTION_MAYBE)
		buf_addf(out, "[=%s]", r->argument);
	else if (option_takes_value(r))
		buf_addf(out, "%c%s", r->name ? '=' : ' ', r->argument);
}

int
option_apply(const struct option_rule *r, struct options *o, const char *value,
	struct error *err)
{
	void *at = (char *)o + r->offset;

	switch (r->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)at = value;
		return 0;
	case OPTION_LIST:
		strv_add(at, value);
		return 0;
	default:
		return r->set(o, value, err);
	}
}
