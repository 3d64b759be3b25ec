/*
 * The verbs that ask, and a server that answers as it likes (cook.h): the first
 * line names the verb, and may end with " json".  Whatever the answer was, the
 * verb ends; what it has sent are frames of a client that asks; what it prints
 * are lines that a terminal may see, or JSON; and what it could not fetch whole
 * is not there.
 */
#include <assert.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "client/report.h"
#include "client/verbs.h"
#include "net.h"
#include "scratch.h"

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

static const char *const types[] = { "hello", "ask", "words", "input",
	"input-end", "abort", ".ping", NULL };

static void
check_line(const char *line, size_t len)
{
	json_error_t why;
	json_t *j;
	size_t i;

	if (report_is_json()) {
		j = json_loadb(line, len, JSON_ALLOW_NUL, &why);
		assert(j && json_is_object(j));
		json_decref(j);
		return;
	}
	for (i = 0; i < len; i++)
		assert((unsigned char)line[i] >= ' ' || line[i] == '\t');
}

/* What was printed, but of what a program said, which is as it was. */
static void
check_printed(const struct verb *v, int fd)
{
	struct buf b = BUF_INIT;
	const char *p, *nl;

	(void)lseek(fd, 0, SEEK_SET);
	while (io_read_some(fd, &b, 65536) > 0)
		;
	p = buf_str(&b);
	if (report_is_json() || (v->run != verb_log && v->run != verb_logs))
		for (; (nl = strchr(p, '\n')); p = nl + 1)
			check_line(p, (size_t)(nl - p));
	buf_release(&b);
}

/* Runs it with a file for its output; the exit status. */
static int
run(const struct verb *v, struct options *o, struct error *err)
{
	int out = dup(STDOUT_FILENO), file = memfd_create("out", MFD_CLOEXEC);
	int status;

	assert(out >= 0 && file >= 0);
	fflush(stdout);
	(void)dup2(file, STDOUT_FILENO);
	report_json(o->json);
	status = v->run(o, err);
	fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	check_printed(v, file);
	close(out);
	close(file);
	return status;
}

static void
ask(const struct verb *v, bool json, struct net *net)
{
	struct options o = { .verbs = verbs,
		.verb = v,
		.json = json,
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
	size_t len = nl ? (size_t)(nl - line) : 0;
	bool json = len > 5 && !memcmp(line + len - 5, " json", 5);
	const struct verb *v = find_verb(line, json ? len - 5 : len);
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
	ask(v, json, &net);
	net_hear(&net);
	net_frames(&net.main.heard, types, NULL, NULL);
	net_close(&net);
	return 0;
}
