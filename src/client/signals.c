#include "client/signals.h"

#include <signal.h>
#include <stddef.h>

#include "base/log.h"

static volatile sig_atomic_t caught;

/* A terminal that is closed says so more than once. */
static void
note(int number)
{
	if (caught && number != SIGHUP) {
		signal(number, SIG_DFL);
		raise(number);
	}
	if (!caught)
		caught = number;
}

void
signals_catch(void)
{
	/* Not restarted: a poll is to end. */
	struct sigaction sa = { .sa_handler = note }, old;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* Under nohup it is ignored. */
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
}

int
signals_caught(void)
{
	return caught;
}

void
signals_say(void)
{
	/* Nobody is at a terminal that was closed. */
	if (caught != SIGHUP)
		log_info("interrupted: the server is told; once more ends "
			 "this at once");
}

int
signals_error(struct error *err, const char *text)
{
	/* As a shell has it. */
	return error_status(err, (enum status)(128 + caught), "%s", text);
}
