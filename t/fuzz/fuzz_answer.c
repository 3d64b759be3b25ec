/*
 * The verbs that ask, and a server that answers as it likes (cook.h): the first
 * line names the verb.  Whatever the answer was, the verb ends; what it has sent
 * are frames of a client that asks; and what it could not fetch whole is not
 * there.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "client/verbs.h"
#include "net.h"
#include "scratch.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct verb verbs[] = {
	{ "releases", verb_releases, NULL, NULL },
	{ "status", verb_status, NULL, NULL },
	{ "log", verb_log, NULL, NULL },
	{ "logs", verb_logs, NULL, NULL },
	{ "rollback", verb_rollback, NULL, NULL },
	{ "activate", verb_activate, NULL, NULL },
	{ "restart", verb_restart, NULL, NULL },
	{ "prune", verb_prune, NULL, NULL },
	{ "pin", verb_pin, NULL, NULL },
	{ "fetch", verb_fetch, NULL, NULL },
	{ "verify", verb_verify, NULL, NULL },
	{ "fsck", verb_fsck, NULL, NULL },
	{ "doctor", verb_doctor, NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct verb *
find_verb(const char *line, size_t len)
{
	const struct verb *v = verbs;

	while (v->name &&
		(strlen(v->name) != len || memcmp(v->name, line, len) != 0))
		v++;
	return v->name ? v : NULL;
}

static bool
is_known(const char *type)
{
	static const char *const types[] = { "hello", "ask", "words", "input",
		"input-end", "abort", ".ping" };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static void
check_heard(struct buf *b)
{
	const size_t magic = strlen(PROTOCOL_MAGIC);
	struct error err = ERROR_INIT;
	struct frame f;
	long n;

	assert(b->len < magic || !memcmp(b->data, PROTOCOL_MAGIC, magic));
	buf_consume(b, b->len < magic ? b->len : magic);
	while (b->len && (n = frame_parse(b->data, b->len, &f, &err)) != 0) {
		assert(n > 0 && is_known(f.type));
		buf_consume(b, (size_t)n);
	}
}

/* Runs it with its output dropped; the exit status. */
static int
run(const struct verb *v, struct options *o, struct error *err)
{
	int out = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
	int status;

	assert(out >= 0 && nowhere >= 0);
	fflush(stdout);
	(void)dup2(nowhere, STDOUT_FILENO);
	status = v->run(o, err);
	fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	close(out);
	close(nowhere);
	return status;
}

static void
ask(const struct verb *v, struct net *net)
{
	struct options o = { .verbs = verbs,
		.verb = v,
		.directory = scratch_path("project"),
		.output = scratch_path("archive") };
	struct error err = ERROR_INIT;
	int status;

	strv_add(&o.args, "ann@web1:blog");
	strv_add(&o.args, "20260102"); /* how an ID begins */
	while (net_say(net))
		;
	(void)unlink(o.output);
	status = run(v, &o, &err);
	assert(status >= 0 && status <= STATUS_TERM);
	if (v->run == verb_fetch)
		assert((access(o.output, F_OK) == 0) == (status == 0));
	strv_release(&o.args);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;
	const char *line = (const char *)data;
	const char *nl = size ? memchr(line, '\n', size) : NULL;
	const struct verb *v = nl ? find_verb(line, (size_t)(nl - line)) : NULL;
	struct net net;

	if (!v)
		return 0;
	if (!made) {
		log_set_level(LOG_QUIET);
		unsetenv("DEPLOY_TRACE");
		scratch_mkdir("project");
		scratch_write("project/deploy.conf", "", 0);
	}
	made = true;
	net_open(&net, nl + 1, line + size, NULL);
	ask(v, &net);
	net_hear(&net);
	check_heard(&net.main.heard);
	net_close(&net);
	return 0;
}
