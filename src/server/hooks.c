#include "server/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/health.h"
#include "base/io.h"
#include "server/reach.h"

#define CHECK_PAUSE_MS 1000
/* So long before the end the last try begins. */
#define CHECK_LAST_MS 250
/* One try to reach something; the next one may fare better. */
#define REACH_MS 10000

/* All commands of one hook. */
struct hooks {
	const char *stage;
	const struct run_place *at;
	int64_t end;
	long timeout;
	struct error *err;
};

static enum hook_outcome
judge(const struct hooks *h, const char *command, enum hook_outcome how,
	int status)
{
	struct error *err = h->err;

	if (how == HOOK_CANCELLED)
		error_status(err, STATUS_INT, "%s was cancelled", h->stage);
	else if (how == HOOK_TIMEOUT)
		error_status(err, STATUS_HOOK,
			"%s failed: '%s' took longer than %ld s", h->stage,
			command, h->timeout);
	else if (how == HOOK_FAILED)
		err->status = STATUS_HOOK;
	else if (status > 128)
		error_status(err, STATUS_HOOK,
			"%s failed: '%s' was killed by signal %d", h->stage,
			command, status - 128);
	else if (status)
		error_status(err, STATUS_HOOK, "%s failed: '%s' exited with %d",
			h->stage, command, status);
	return how == HOOK_DONE && status ? HOOK_FAILED : how;
}

static enum hook_outcome
run_command(const struct hooks *h, const char *command)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	const char *const shown[] = { command, NULL };
	struct run_options o = RUN_OPTIONS_INIT;
	enum hook_outcome how;
	int status = 0;

	o.argv = argv;
	o.end = h->end;
	run_echo(h->at->host, shown);
	how = run_program(&o, h->at, &status, h->err);
	return judge(h, command, how, status);
}

/* What the check said is why it failed. */
static enum hook_outcome
judge_reach(const struct hooks *h, const char *check, enum hook_outcome how,
	int status, struct buf *said)
{
	while (said->len && said->data[said->len - 1] == '\n')
		buf_truncate(said, said->len - 1);
	if (how == HOOK_TIMEOUT)
		error_status(h->err, STATUS_HOOK, "%s failed: %s: no answer",
			h->stage, check);
	else if (how == HOOK_DONE && status > 0 && status < 128 && said->len)
		error_status(h->err, STATUS_HOOK, "%s failed: %.1000s",
			h->stage, said->data);
	else
		return judge(h, check, how, status);
	return how == HOOK_DONE ? HOOK_FAILED : how;
}

static enum hook_outcome
run_reach(const struct hooks *h, const char *check)
{
	const char *const shown[] = { check, NULL };
	struct run_options o = RUN_OPTIONS_INIT;
	struct buf said = BUF_INIT;
	enum hook_outcome how;
	int status = 0;

	o.body = reach;
	o.arg = check;
	o.said = &said;
	o.end = io_now_ms() + REACH_MS;
	if (h->end && h->end < o.end)
		o.end = h->end;
	run_echo(h->at->host, shown);
	how = run_program(&o, h->at, &status, h->err);
	how = judge_reach(h, check, how, status, &said);
	buf_release(&said);
	return how;
}

enum hook_outcome
hooks_run(const char *stage, const struct strv *commands,
	const struct run_place *at, long timeout, struct error *err)
{
	struct hooks h = { stage, at, run_deadline(timeout), timeout, err };
	enum hook_outcome how = HOOK_DONE;
	size_t i;

	for (i = 0; how == HOOK_DONE && i < commands->n; i++)
		how = run_command(&h, commands->v[i]);
	return how;
}

static enum hook_outcome
check_once(const struct hooks *h, const struct strv *checks)
{
	enum hook_outcome how = HOOK_DONE;
	size_t i;

	for (i = 0; how == HOOK_DONE && i < checks->n; i++) {
		const char *check = checks->v[i];

		how = health_kind(check) == HEALTH_COMMAND ?
			run_command(h, check) :
			run_reach(h, check);
	}
	return how;
}

/*
 * How long the next try waits, in milliseconds: the last one begins just
 * before the end.  Negative: there is none.
 */
static int64_t
pause_before(const struct hooks *h, int tries)
{
	int64_t wait = tries == 1 ? CHECK_PAUSE_MS : 2 * CHECK_PAUSE_MS;
	int64_t left = h->end ? h->end - io_now_ms() - CHECK_LAST_MS : wait;

	return left < wait ? left : wait;
}

enum hook_outcome
hooks_check(const struct strv *checks, const struct run_place *at, long timeout,
	struct error *err)
{
	struct hooks h = { "check", at, run_deadline(timeout), timeout, err };
	struct error why = ERROR_INIT;
	enum hook_outcome how;
	int tries = 0;
	int64_t wait;

	for (;;) {
		how = check_once(&h, checks);
		tries++;
		if (how == HOOK_DONE || how == HOOK_CANCELLED)
			return how;
		/* A try that the end cut short says less than one before. */
		if (how == HOOK_TIMEOUT && tries > 1 && h.end &&
			io_now_ms() >= h.end)
			*err = why;
		wait = pause_before(&h, tries);
		if (wait < 0)
			break;
		why = *err;
		if (run_pause(at->host, wait) < 0)
			return HOOK_CANCELLED;
	}
	if (tries > 1)
		error_add(err, "; tried %d times in %ld s", tries, timeout);
	return how;
}
