#include "server/term.h"

#include <signal.h>

static volatile sig_atomic_t caught;

static void
note(int number)
{
	if (caught) {
		signal(number, SIG_DFL);
		raise(number);
	}
	caught = number;
}

void
term_catch(void)
{
	/* Not restarted: a poll is to end. */
	struct sigaction sa = { .sa_handler = note };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

bool
term_caught(void)
{
	return caught != 0;
}

void
term_let_go(bool heeded)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (caught && !heeded)
		raise(caught);
}
