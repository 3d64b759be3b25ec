#include "client/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/output.h"
#include "client/report.h"
#include "client/session.h"
#include "client/signals.h"
#include "client/user.h"

/* How often it is looked whether who paused reads on. */
#define PAUSE_MS 20
/*
 * After a signal: so long is waited for the server's last word.  It gives
 * what it runs 10 s to end.
 */
#define ABORT_MS 12000

/* One question under way. */
struct question {
	struct ask *a;
	struct session session;
	struct msg_result result;
	struct output output;
	bool feeding;     /* standard input goes on to the server */
	int credit;       /* input frames that it will take */
	int64_t deadline; /* once aborted, else 0 */
};

static void
send_ask(struct question *q, const char *release)
{
	const struct options *o = q->a->options;
	char *user = user_name();
	struct msg_ask ask = {
		.verb = (char *)q->a->verb,
		.app = q->a->target->app,
		.release = (char *)release,
		.expect = (char *)o->expect,
		.user = user,
		.wait = o->wait ? o->wait_seconds : 0,
		.lines = o->lines,
		.force = o->force,
		.follow = q->a->follow,
		.reveal = q->a->reveal,
		.dry_run = o->dry_run,
	};

	MESSAGE_SEND(&q->session.channel, "ask", ask, &ask);
	free(user);
}

/* Each word ends with a NUL. */
static void
send_words(struct question *q)
{
	const struct strv *words = q->a->words;
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < words->n; i++)
		buf_add(&b, words->v[i], strlen(words->v[i]) + 1);
	channel_send(&q->session.channel, "words", buf_str(&b), b.len);
	buf_release(&b);
}

static void
send_input(struct question *q)
{
	const char *data = buf_str(q->a->input);
	size_t len = q->a->input->len;

	while (len) {
		size_t n = len > FRAME_MOST ? FRAME_MOST : len;

		channel_send(&q->session.channel, "input", data, n);
		data += n;
		len -= n;
	}
	channel_send(&q->session.channel, "input-end", "", 0);
}

static int
take_result(struct question *q, const struct frame *f, struct error *err)
{
	if (MESSAGE_READ(result, f, &q->result, err) < 0)
		return -1;
	if (q->result.status) {
		result_to_error(&q->result, err);
		return -1;
	}
	return 1;
}

/* What another target is to get as well cannot be read twice. */
static void
begin_feeding(struct question *q)
{
	q->feeding = q->a->targets == 1 && !isatty(STDIN_FILENO);
	q->credit = RUN_CREDIT;
	if (!q->feeding)
		channel_send(&q->session.channel, "input-end", "", 0);
}

static int
feed(struct question *q, struct error *err)
{
	struct session *s = &q->session;
	char data[FRAME_MOST];
	ssize_t n;

	if (q->feeding && s->input_ready) {
		n = read(STDIN_FILENO, data, sizeof(data));
		if (n < 0 && errno != EINTR && errno != EAGAIN &&
			errno != EBADF)
			return error_errno(err, "standard input");
		if (n > 0) {
			channel_send(&s->channel, "input", data, (size_t)n);
			q->credit--;
		} else if (n == 0 || errno == EBADF) {
			channel_send(&s->channel, "input-end", "", 0);
			q->feeding = false;
		}
	}
	s->input_ready = false;
	s->input = q->feeding && q->credit > 0 ? STDIN_FILENO : -1;
	return 0;
}

int
ask_unexpected(const struct frame *f, struct error *err)
{
	if (f->type[0] == '.')
		return 0;
	return error_status(err, STATUS_TRANSFER,
		"the server sent an unexpected %s frame", f->type);
}

void
ask_heading(struct ask *a)
{
	if (a->targets > 1 && !a->headed && !report_is_json())
		report_line("%s", a->target->text);
	a->headed = true;
}

static int
take_message(struct ask *a, const struct frame *f, struct error *err)
{
	void *m;
	int rc;

	if (strcmp(f->type, a->type) != 0)
		return ask_unexpected(f, err);
	m = mem_zalloc(1, a->size);
	rc = message_read(a->fields, f->data, f->len, m, err);
	if (rc == 0) {
		a->told++;
		a->tell(a, m);
	}
	message_release(a->fields, m);
	free(m);
	return rc;
}

/* 1 at the result, 0 for more, -1. */
static int
take_frame(struct question *q, const struct frame *f, struct error *err)
{
	struct ask *a = q->a;

	if (!strcmp(f->type, "result"))
		return take_result(q, f, err);
	if (a->changes && watch_frame(&a->watch, f))
		return 0;
	if (a->output && !strcmp(f->type, "output"))
		return output_add(&q->output, f->data, f->len, err);
	if (a->streams && !strcmp(f->type, "more")) {
		q->credit += q->credit < RUN_CREDIT;
		return 0;
	}
	if (a->tell)
		return take_message(a, f, err);
	if (a->take)
		return a->take(a, f, err);
	return ask_unexpected(f, err);
}

static int
heed_signal(struct question *q, struct error *err)
{
	if (!signals_caught())
		return 0;
	/* Of what has no end that is how it ends. */
	if (!q->a->changes)
		return signals_error(err, q->a->follow ? "" : "interrupted");
	if (q->a->watch.switched)
		return signals_error(err, "interrupted");
	if (!q->deadline) {
		signals_say();
		q->deadline = io_now_ms() + ABORT_MS;
		channel_send(&q->session.channel, "abort", "", 0);
	}
	if (io_now_ms() < q->deadline)
		return 0;
	return error_status(err, STATUS_TRANSFER,
		"aborted, but the server did not answer");
}

/* Whoever reads our standard output has paused. */
static bool
is_full(const struct question *q)
{
	return output_full(&q->output) ||
		(q->a->sink && *q->a->sink && sink_full(*q->a->sink));
}

static int
converse(struct question *q, struct error *err)
{
	struct session *s = &q->session;
	struct frame f;
	int rc = 0;

	while (rc == 0) {
		s->paused = is_full(q);
		if (sessions_turn(&s, 1, s->paused ? PAUSE_MS : 250, err) < 0 ||
			feed(q, err) < 0)
			return -1;
		while (rc == 0 && !is_full(q) &&
			(rc = session_next(s, &f, err)) > 0)
			rc = take_frame(q, &f, err);
		if (rc == 0)
			rc = heed_signal(q, err);
	}
	return rc < 0 ? -1 : 0;
}

/* What is live although it failed; the server said it. */
static void
say_live(const struct question *q)
{
	const struct msg_result *r = &q->result;

	if (q->a->changes && !q->a->aside && r->status && r->live)
		log_info("%s: %s is live", q->a->target->text, r->live);
}

static int
ask_target(struct ask *a, const char *release, struct error *err)
{
	struct question q = { .a = a };
	int rc;

	a->release = release;
	a->wrong = a->headed = false;
	a->told = 0;
	if (a->begin && a->begin(a, err) < 0)
		return -1;
	watch_init(&a->watch, a->target->text, a->targets > 1);
	if (a->point)
		a->watch.point = a->point;
	q.output.target = a->target->text;
	q.output.lines = a->text || isatty(STDOUT_FILENO);
	session_open(&q.session, a->target, a->options);
	send_ask(&q, release);
	if (a->words)
		send_words(&q);
	if (a->input)
		send_input(&q);
	if (a->streams)
		begin_feeding(&q);
	rc = converse(&q, err);
	if (output_end(&q.output, err) < 0)
		rc = -1;
	if (rc < 0 && !q.result.status && !(a->follow && signals_caught()))
		watch_lost(&a->watch, err);
	watch_end(&a->watch);
	/* What was told comes before what is said of it, in one file, too. */
	fflush(stdout);
	if (rc == 0 && a->done)
		a->done(a, &q.result);
	if (rc < 0 && log_level() == LOG_QUIET && q.result.stage)
		watch_show_tail(&a->watch);
	if (rc < 0)
		say_live(&q);
	session_close(&q.session);
	/* Of several the last event does not tell which failed. */
	if (a->changes || (rc < 0 && a->targets > 1))
		session_tell_result(&q.session, &q.result,
			a->wrong ? STATUS_LOCAL : STATUS_OK,
			rc < 0 ? err : NULL);
	session_release(&q.session);
	watch_release(&a->watch);
	output_release(&q.output);
	MESSAGE_RELEASE(result, &q.result);
	return rc;
}

/* A signal between two targets: the others were not asked. */
static enum status
leave_out(const struct targets *t, size_t asked, struct error *err)
{
	if (asked == t->n)
		return STATUS_OK;
	signals_error(err, "interrupted");
	error_hint(err, "%s was not asked", t->v[asked].text);
	return err->status;
}

/* With several targets each tells its own failure. */
static int
ask_all(struct ask *a, const struct targets *t, const char *release,
	struct error *err)
{
	enum status status = STATUS_OK;
	size_t i, well = 0;
	bool wrong = false;

	a->targets = t->n;
	if (a->follow && t->n > 1) {
		error_status(err, STATUS_USAGE,
			"of %zu targets only one can be followed", t->n);
		return STATUS_USAGE;
	}
	for (i = 0; i < t->n && !signals_caught(); i++) {
		struct error one = ERROR_INIT;

		a->target = &t->v[i];
		if (ask_target(a, release, &one) == 0) {
			well++;
			wrong |= a->wrong;
			continue;
		}
		if (status == STATUS_OK || one.status == STATUS_BROKEN)
			status = one.status;
		if (t->n == 1) {
			*err = one;
		} else {
			error_prefix(&one, "%s: ", a->target->text);
			log_error("deploy", &one);
		}
	}
	if (status == STATUS_OK)
		status = leave_out(t, i, err);
	if (a->changes && well && status != STATUS_OK &&
		status != STATUS_BROKEN)
		return STATUS_PARTIAL;
	return status == STATUS_OK && wrong ? STATUS_LOCAL : (int)status;
}

/* Whether a lone word is the release and not the target. */
static bool
is_release(const struct ask *a, const struct project *p, const char *word)
{
	if (strchr(word, ':') || project_has_remote(p, word))
		return false;
	/* 20261123T061530Z-1a2b3c4d, its beginning or its end. */
	return a->needs_release ||
		word[strspn(word, "0123456789abcdefTZ-")] == '\0';
}

static int
choose_words(const struct ask *a, const struct project *p,
	const struct options *o, const char **target, const char **release,
	struct error *err)
{
	*target = o->args.n > 0 ? o->args.v[0] : NULL;
	*release = o->args.n > 1 ? o->args.v[1] : NULL;
	if (a->own_words)
		*release = NULL;
	else if (*target && !*release && is_release(a, p, *target)) {
		*release = *target;
		*target = NULL;
	}
	if (*release || !a->needs_release)
		return 0;
	error_status(err, STATUS_USAGE, "%s needs a release", a->verb);
	return error_hint(err, "deploy releases lists them");
}

static int
check_single(const struct ask *a, const struct targets *t, struct error *err)
{
	if (!a->single || t->n == 1)
		return 0;
	error_status(err, STATUS_USAGE, "%s is for one target, not for %zu",
		a->verb, t->n);
	return error_hint(err, "name one: deploy %s %s", a->verb, t->v[0].text);
}

int
ask_run(struct ask *a, struct options *o, struct error *err)
{
	struct project p = { 0 };
	struct targets t = { 0 };
	const char *target, *release;
	int rc = -1;

	signals_catch();
	a->options = o;
	if (project_open(&p, o->directory, NULL, err) == 0 &&
		choose_words(a, &p, o, &target, &release, err) == 0 &&
		targets_choose(&t, &p, o, target, err) == 0 &&
		check_single(a, &t, err) == 0)
		rc = ask_all(a, &t, release, err);
	targets_release(&t);
	project_release(&p);
	return rc < 0 ? (int)err->status : rc;
}
