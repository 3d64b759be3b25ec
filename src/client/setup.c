/* The verb setup: deployd on a server, by nothing but SSH. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/report.h"
#include "client/setup_program.h"
#include "client/setup_remote.h"
#include "client/signals.h"
#include "client/verbs.h"

#define RESERVE (16ULL << 20) /* bytes left free besides the program */
#define OURS "/.local/bin/deployd"

/* One machine that is set up. */
struct setup {
	const struct options *o;
	const struct target *target;
	char *place; /* user@host */
	struct strv facts, lines;
	unsigned done; /* steps that changed something */
	struct error *err;
};

static const char *
fact(const struct setup *s, const char *key)
{
	return setup_remote_fact(&s->facts, key);
}

/* state: done, same or todo. */
static void say(struct setup *s, const char *state, const char *step,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
say(struct setup *s, const char *state, const char *step, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	s->done += strcmp(state, "done") == 0;
	log_info("%s: %s", s->place, buf_str(&text));
	report_event("step", "target", "s", s->place, "state", "s", state,
		"step", "s", step, "text", "s", buf_str(&text), NULL);
	buf_release(&text);
}

/* The steps of deployd setup, which are lines `STATE STEP TEXT'. */
static void
say_steps(struct setup *s)
{
	static const char *const states[] = { "done", "same", "todo" };
	size_t i, j;

	for (i = 0; i < s->lines.n; i++)
		for (j = 0; j < sizeof(states) / sizeof(*states); j++) {
			const char *line = s->lines.v[i];
			const char *step = line + 5, *text;
			char *name;

			if (strncmp(line, states[j], 4) || line[4] != ' ')
				continue;
			text = step + strcspn(step, " ");
			name = mem_strndup(step, (size_t)(text - step));
			say(s, states[j], name, "%s", text + (*text == ' '));
			free(name);
		}
}

static uint64_t
free_bytes(const struct setup *s)
{
	return strtoull(fact(s, "free"), NULL, 10) * 1024;
}

static int
look(struct setup *s)
{
	struct buf room = BUF_INIT;

	if (setup_remote(s->target, s->o, setup_probe, NULL, &s->facts,
		    s->err) < 0)
		return -1;
	report_bytes(&room, free_bytes(s));
	say(s, "same", "machine", "%s %s on %s, home %s (%s), %s free%s",
		fact(s, "os"), fact(s, "kernel"), fact(s, "machine"),
		fact(s, "home"), fact(s, "mode"), buf_str(&room),
		*fact(s, "systemd") ? ", systemd" : "");
	buf_release(&room);
	if (strcmp(fact(s, "os"), "Linux") != 0)
		return error_status(s->err, STATUS_REFUSED,
			"it runs %s, and deployd needs Linux", fact(s, "os"));
	if (*fact(s, "home") != '/')
		return error_status(s->err, STATUS_REFUSED,
			"%s has no home directory there", fact(s, "user"));
	return 0;
}

/* A deploy finds another one, which is as good: an admin's. */
static bool
is_elsewhere(const struct setup *s)
{
	return !*fact(s, "version") &&
		strcmp(fact(s, "runs"), "deployd " VERSION) == 0;
}

static bool
is_same(const struct setup *s, const struct setup_program *p)
{
	if (*fact(s, "sha256"))
		return strcmp(fact(s, "sha256"), p->hex) == 0;
	return strcmp(fact(s, "version"), "deployd " VERSION) == 0;
}

static int
send_program(struct setup *s, const struct setup_program *p)
{
	struct buf input = BUF_INIT;
	uint64_t room = free_bytes(s);
	int rc;

	if (*fact(s, "free") && room < p->data.len + RESERVE)
		return error_status(s->err, STATUS_REFUSED,
			"no space: deployd has %zu bytes, %" PRIu64
			" are free in %s",
			p->data.len, room, fact(s, "home"));
	buf_addf(&input, "%zu %s\n", p->data.len, p->hex);
	buf_add(&input, p->data.data, p->data.len);
	log_verbose("%s: sending %s", s->place, p->path);
	rc = setup_remote(s->target, s->o, setup_install, &input, &s->lines,
		s->err);
	buf_release(&input);
	return rc;
}

static void
say_sent(struct setup *s)
{
	const char *from = fact(s, "version");
	const char *to = setup_remote_fact(&s->lines, "installed");

	if (!*to)
		return;
	if (!*from)
		say(s, "done", "deployd", "installed %s as %s" OURS, to,
			fact(s, "home"));
	else
		say(s, "done", "deployd", "upgraded %s" OURS " from %s to %s%s",
			fact(s, "home"), from, to,
			strcmp(from, to) ? "" : ", another build of it");
	report_event("setup", "target", "s", s->place, "from", "s",
		*from ? from : NULL, "to", "s", to, NULL);
	/* "http checks: ..." is the second line of deployd --version. */
	if (strstr(fact(s, "http"), "libcurl ") &&
		strstr(setup_remote_fact(&s->lines, "http"), "none"))
		say(s, "todo", "http",
			"the deployd before made http checks, with libcurl; "
			"this one does not: use tcp:PORT or a command as "
			"check, or install one that was built there");
}

/* Another one in PATH comes before ours. */
static void
say_path(struct setup *s)
{
	const char *path = fact(s, "path");
	char *ours = mem_printf("%s" OURS, fact(s, "home"));

	if (*path && strcmp(path, ours) != 0 && !is_elsewhere(s))
		say(s, "todo", "path",
			"a deploy starts %s (%s), which comes before it in "
			"PATH: its admin has to upgrade or remove that one",
			path, fact(s, "runs"));
	free(ours);
}

static int
install(struct setup *s)
{
	struct setup_program p = { 0 };
	bool sends = !is_elsewhere(s);
	int rc = 0;

	if (sends) {
		rc = setup_program_load(&p, s->o->binary, fact(s, "machine"),
			s->err);
		sends = rc == 0 && !is_same(s, &p);
	}
	if (rc == 0 && sends)
		rc = send_program(s, &p);
	else if (rc == 0)
		rc = setup_remote(s->target, s->o, setup_again, NULL, &s->lines,
			s->err);
	setup_program_release(&p);
	if (rc == 0 && !sends)
		say(s, "same", "deployd", "%s is there already: %s",
			is_elsewhere(s) ? fact(s, "runs") : fact(s, "version"),
			is_elsewhere(s) ? fact(s, "path") : "~" OURS);
	/* Even if it failed then: it is there. */
	say_sent(s);
	say_steps(s);
	if (rc < 0)
		return -1;
	say_path(s);
	if (s->target->local)
		log_info("%s: %s deploy local:APP", s->place,
			s->done ? "ready:" : "nothing was to be done:");
	else
		log_info("%s: %s deploy %s:APP", s->place,
			s->done ? "ready:" : "nothing was to be done:",
			s->place);
	return 0;
}

static int
take_away(struct setup *s)
{
	const char *removed, *path;

	if (setup_remote(s->target, s->o, setup_remove, NULL, &s->lines,
		    s->err) < 0)
		return -1;
	removed = setup_remote_fact(&s->lines, "removed");
	path = setup_remote_fact(&s->lines, "path");
	if (*removed)
		say(s, "done", "deployd", "removed %s", removed);
	else
		say(s, "same", "deployd", "there is no ~" OURS);
	if (s->lines.n > 2)
		log_info("%s: this is left:", s->place);
	say_steps(s);
	if (*path)
		say(s, "todo", "path", "%s is not setup's: it is left", path);
	return 0;
}

static int
set_up(const struct target *t, const struct options *o, struct error *err)
{
	struct setup s = { .o = o, .target = t, .err = err };
	int rc;

	s.place = t->local ? mem_strdup("this machine") :
			     mem_printf("%s%s%s", t->user ? t->user : "",
				     t->user ? "@" : "", t->host);
	rc = look(&s);
	if (rc == 0)
		rc = o->remove ? take_away(&s) : install(&s);
	if (rc < 0)
		error_prefix(err, "%s: ", s.place);
	strv_release(&s.facts);
	strv_release(&s.lines);
	free(s.place);
	return rc;
}

/* A host alone becomes a target: any app of it will do. */
static char *
as_target(const struct project *p, const char *word)
{
	size_t len = strlen(word);
	const char *host = strstr(word, "://");

	if (project_has_remote(p, word))
		return mem_strdup(word);
	if (host)
		return mem_printf("%s%s", word,
			strchr(host + 3, '/') ? "" : "/app");
	if (strchr(word, ':') && word[len - 1] != ']')
		return mem_strdup(word);
	return mem_printf("%s:app", word);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Two apps of one account are one machine to set up. */
static bool
is_repeated(const struct targets *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (t->v[i].local == t->v[n].local &&
			same_text(t->v[i].host, t->v[n].host) &&
			same_text(t->v[i].user, t->v[n].user) &&
			t->v[i].port == t->v[n].port)
			return true;
	return false;
}

static int
set_up_all(const struct targets *t, const struct options *o, struct error *err)
{
	enum status status = STATUS_OK;
	size_t i;

	for (i = 0; i < t->n && !signals_caught(); i++) {
		struct error one = ERROR_INIT;

		if (is_repeated(t, i) || set_up(&t->v[i], o, &one) == 0)
			continue;
		if (status == STATUS_OK)
			status = one.status;
		if (t->n == 1)
			*err = one;
		else
			log_error("deploy", &one);
	}
	return (int)status;
}

static int
choose(struct targets *t, struct project *p, struct options *o,
	struct error *err)
{
	char *word = NULL;
	size_t i;
	int rc;

	if (o->deployd || (o->remove && o->binary))
		return error_status(err, STATUS_USAGE,
			"%s has no meaning with `deploy setup%s'",
			o->deployd ? "--deployd" : "--binary",
			o->deployd ? "" : " --remove");
	if (project_open(p, o->directory, NULL, err) < 0)
		return -1;
	for (i = 0; i < o->targets.n; i++) {
		char *old = o->targets.v[i];

		o->targets.v[i] = as_target(p, old);
		free(old);
	}
	if (o->args.n)
		word = as_target(p, o->args.v[0]);
	rc = targets_choose(t, p, o, word, err);
	free(word);
	return rc;
}

int
verb_setup(struct options *o, struct error *err)
{
	struct project p = { 0 };
	struct targets t = { 0 };
	int status;

	signals_catch();
	status = choose(&t, &p, o, err) < 0 ? (int)err->status :
					      set_up_all(&t, o, err);
	targets_release(&t);
	project_release(&p);
	return status;
}
