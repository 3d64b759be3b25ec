#include "client/signals.h"

#include <signal.h>
#include <stddef.h>

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
signals_catch(void)
{
	/* Not restarted: a poll is to end. */
	struct sigaction sa = { .sa_handler = note };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

int
signals_caught(void)
{
	return caught;
}

int
signals_error(struct error *err, const char *text)
{
	return error_status(err, caught == SIGTERM ? STATUS_TERM : STATUS_INT,
		"%s", text);
}
