#include "server/service.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#define POLL_MS 500
/* For an answer of systemctl show, and for journalctl. */
#define ASK_S 10
#define JOURNAL_LINES "20"

void
service_explain(const char *program, int number, const char *said,
	struct error *err)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *no_bus = strstr(said, "Failed to connect to ");

	if (number == ENOENT)
		error_hint(err,
			"[service] needs systemd, and %s is not in the PATH of "
			"hooks; without it use restart in [hooks]",
			program);
	else if (no_bus && strstr(no_bus, "bus"))
		error_hint(err,
			"no systemd runs for this account; on the server, as "
			"root: loginctl enable-linger %s",
			pw ? pw->pw_name : "USER");
}

static void
cut_end(struct buf *b)
{
	while (b->len && strchr(" \n", b->data[b->len - 1]))
		buf_truncate(b, b->len - 1);
}

/* The last line of what it said, which tells most. */
static const char *
last_line(struct buf *said)
{
	const char *nl;

	cut_end(said);
	nl = strrchr(buf_str(said), '\n');
	return nl ? nl + 1 : buf_str(said);
}

static enum hook_outcome
judge(const char *stage, const char *unit, enum hook_outcome how, int status,
	struct buf *said, struct error *err)
{
	int number = errno;
	const char *last;

	if (how == HOOK_CANCELLED) {
		error_status(err, STATUS_INT, "%s was cancelled", stage);
	} else if (how == HOOK_TIMEOUT) {
		error_status(err, STATUS_HOOK,
			"%s failed: systemctl took too long over %s", stage,
			unit);
	} else if (how == HOOK_FAILED) {
		error_prefix(err, "%s failed: ", stage);
		err->status = STATUS_HOOK;
		service_explain("systemctl", number, "", err);
	} else if (status) {
		char *all = mem_strdup(buf_str(said));

		last = last_line(said);
		error_status(err, STATUS_HOOK,
			"%s failed: systemctl exited with %d over %s%s%.500s",
			stage, status, unit, *last ? ": " : "", last);
		service_explain("systemctl", 0, all, err);
		free(all);
		how = HOOK_FAILED;
	}
	return how;
}

enum hook_outcome
service_restart(const char *unit, bool reload, const struct run_place *at,
	long timeout, struct error *err)
{
	const char *argv[] = { "systemctl", "--user",
		reload ? "reload-or-restart" : "restart", "--", unit, NULL };
	const char *shown[] = { argv[0], argv[1], argv[2], unit, NULL };
	struct run_options o = RUN_OPTIONS_INIT;
	struct buf said = BUF_INIT;
	enum hook_outcome how;
	int status = 0;

	o.argv = argv;
	o.said = &said;
	o.end = run_deadline(timeout);
	run_echo(at->host, shown);
	how = run_program(&o, at, &status, err);
	how = judge("restart", unit, how, status, &said, err);
	buf_release(&said);
	return how;
}

/* What systemctl show tells of it. */
struct state {
	char active[32];
	char main_pid[32];
	long restarts;
	char result[64];
};

static void
take_property(struct state *s, const char *line, size_t len)
{
	const char *sign = memchr(line, '=', len);
	int n;

	if (!sign)
		return;
	n = (int)(len - (size_t)(sign + 1 - line));
	if (!strncmp(line, "ActiveState=", 12))
		snprintf(s->active, sizeof(s->active), "%.*s", n, sign + 1);
	else if (!strncmp(line, "MainPID=", 8))
		snprintf(s->main_pid, sizeof(s->main_pid), "%.*s", n, sign + 1);
	else if (!strncmp(line, "Result=", 7))
		snprintf(s->result, sizeof(s->result), "%.*s", n, sign + 1);
	else if (!strncmp(line, "NRestarts=", 10))
		s->restarts = strtol(sign + 1, NULL, 10);
}

static void
take_properties(struct state *s, const char *text)
{
	memset(s, 0, sizeof(*s));
	while (*text) {
		size_t len = strcspn(text, "\n");

		take_property(s, text, len);
		text += len + (text[len] == '\n');
	}
}

static enum hook_outcome
look(const char *unit, const struct run_place *at, struct state *s,
	struct error *err)
{
	const char *argv[] = { "systemctl", "--user", "show", "-p",
		"ActiveState,MainPID,NRestarts,Result", "--", unit, NULL };
	struct run_options o = RUN_OPTIONS_INIT;
	struct buf said = BUF_INIT;
	enum hook_outcome how;
	int status = 0;

	o.argv = argv;
	o.said = &said;
	o.silent = true;
	o.end = run_deadline(ASK_S);
	how = run_program(&o, at, &status, err);
	how = judge("check", unit, how, status, &said, err);
	if (how == HOOK_DONE)
		take_properties(s, buf_str(&said));
	buf_release(&said);
	return how;
}

/* Whether it is beyond hope, with err saying so. */
static bool
has_failed(const char *unit, const struct state *first, const struct state *s,
	struct error *err)
{
	if (s->restarts > first->restarts)
		error_status(err, STATUS_HOOK,
			"check failed: %s ended and was restarted by systemd",
			unit);
	else if (!strcmp(s->active, "failed"))
		error_status(err, STATUS_HOOK,
			"check failed: %s has failed%s%s", unit,
			*s->result ? ": " : "", s->result);
	else if (!strcmp(s->active, "inactive"))
		error_status(err, STATUS_HOOK,
			"check failed: %s is not running: it has ended", unit);
	else
		return false;
	return true;
}

/* How long it has been as it is; anything new begins again. */
struct calm {
	struct state first, last;
	bool seen;
	int64_t since;
};

static bool
is_calm(struct calm *c, const struct state *s)
{
	int64_t now = io_now_ms();

	if (!c->seen)
		c->first = *s;
	if (!c->seen || strcmp(s->active, c->last.active) ||
		strcmp(s->main_pid, c->last.main_pid))
		c->since = now;
	c->seen = true;
	c->last = *s;
	return !strcmp(s->active, "active") &&
		now - c->since >= SERVICE_SETTLE_MS;
}

enum hook_outcome
service_settle(const char *unit, const struct run_place *at, long timeout,
	struct error *err)
{
	const char *shown[] = { "systemctl", "--user", "is-active", unit,
		NULL };
	int64_t end = run_deadline(timeout);
	struct calm c = { .seen = false };
	struct state s;
	enum hook_outcome how;

	run_echo(at->host, shown);
	for (;;) {
		how = look(unit, at, &s, err);
		if (how != HOOK_DONE)
			return how;
		if (is_calm(&c, &s))
			return HOOK_DONE;
		if (has_failed(unit, &c.first, &s, err))
			return HOOK_FAILED;
		if (end && io_now_ms() >= end)
			break;
		if (run_pause(at->host, POLL_MS) < 0) {
			error_status(err, STATUS_INT, "check was cancelled");
			return HOOK_CANCELLED;
		}
	}
	error_status(err, STATUS_HOOK,
		"check failed: %s was not active for %d s within %ld s: it is "
		"%s",
		unit, SERVICE_SETTLE_MS / 1000, timeout,
		*s.active ? s.active : "unknown");
	return HOOK_FAILED;
}

void
service_show_journal(const char *unit, const struct run_place *at)
{
	const char *argv[] = { "journalctl", "--user", "-u", unit, "-n",
		JOURNAL_LINES, "--no-pager", "-o", "cat", NULL };
	struct run_options o = RUN_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	int status;

	o.argv = argv;
	o.end = run_deadline(ASK_S);
	run_echo(at->host, argv);
	if (run_program(&o, at, &status, &err) == HOOK_FAILED) {
		run_say(at->host, err.text);
		run_say(at->host, "\n");
	}
}
