#include "server/serve.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/push.h"
#include "server/put.h"
#include "server/query.h"
#include "server/session.h"
#include "server/term.h"

#define AGENT "deployd/" VERSION

static int
greet(struct session *s, struct error *err)
{
	struct msg_hello ours = { 1, (char *)AGENT }, theirs = { 0 };
	struct frame f;
	int rc = -1;

	MESSAGE_SEND(&s->client, "hello", hello, &ours);
	if (session_frame(s, &f, err) < 0)
		return -1;
	if (strcmp(f.type, "hello"))
		return error_status(err, STATUS_TRANSFER,
			"expected hello, got a %s frame", f.type);
	if (MESSAGE_READ(hello, &f, &theirs, err) == 0) {
		rc = 0;
		if (theirs.version != 1)
			rc = error_status(err, STATUS_REFUSED,
				"the client speaks version %" PRIu64
				" of the protocol, this deployd version 1",
				theirs.version);
	}
	MESSAGE_RELEASE(hello, &theirs);
	return rc;
}

/* Whether there is an answer to be given here. */
static bool
serve_request(struct session *s, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct frame f;

	if (greet(s, &err) < 0 || session_frame(s, &f, &err) < 0) {
		result_from_error(result, &err);
		return true;
	}
	s->patience.asked = true;
	if (!strcmp(f.type, "push")) {
		push_serve(s, &f, result);
	} else if (!strcmp(f.type, "ask")) {
		query_serve(s, &f, result);
	} else if (!strcmp(f.type, "put")) {
		if (put_serve(s, &f, result))
			return false;
	} else {
		error_status(&err, STATUS_REFUSED,
			"this deployd does not know the request '%s'", f.type);
		result_from_error(result, &err);
	}
	/* What is local to us is no fault of the client's tree. */
	if (result->status == STATUS_LOCAL)
		result->status = STATUS_TRANSFER;
	if (result->status == STATUS_INT && s->cancelled)
		result->status = session_status(s);
	if (s->cancelled == SESSION_TOLD && !result->hint)
		result->hint = mem_strdup("deployd was ended by a signal");
	return true;
}

static void
take_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* A vanished client is seen where it is read and written. */
	sigaction(SIGPIPE, &ignore, NULL);
	term_catch();
}

int
serve_refuse(struct error *why)
{
	struct error err = ERROR_INIT;
	struct msg_result result = { 0 };
	struct config c;
	struct session s;
	struct frame f;

	take_signals();
	config_default(&c);
	session_init(&s, &c, STDIN_FILENO, STDOUT_FILENO);
	why->status = STATUS_REFUSED;
	if (!*why->hint)
		error_hint(why, "on the server, see what deployd doctor says");
	if (greet(&s, &err) == 0)
		(void)session_frame(&s, &f, &err);
	result_from_error(&result, why);
	session_answer(&s, &result);
	session_linger(&s);
	session_release(&s);
	MESSAGE_RELEASE(result, &result);
	return 0;
}

int
serve_run(const struct config *c)
{
	struct msg_result result = { 0 };
	struct session s;

	take_signals();
	umask(022);
	session_init(&s, c, STDIN_FILENO, STDOUT_FILENO);
	if (serve_request(&s, &result)) {
		session_answer(&s, &result);
		/* Before the client has closed: who comes next finds no lock. */
		push_tidy(&s);
		/* A refusal may be on its way to one who still sends. */
		if (result.status != STATUS_OK)
			session_linger(&s);
	}
	session_release(&s);
	MESSAGE_RELEASE(result, &result);
	return 0;
}
