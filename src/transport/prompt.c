#include "prompt.h"

#include "base/terminal.h"
#include "internal.h"

static bool
stopped(const void *t)
{
	return transport_stopped(t);
}

bool
prompt_possible(void)
{
	return terminal_possible();
}

int
prompt_ask(const struct transport *t, const char *text, bool hidden,
	char *answer, size_t size)
{
	struct terminal_limits limits = {
		.until = transport_until(t, 0),
		.wake = t->wake,
		.stopped = stopped,
		.arg = t,
	};

	return terminal_ask(text, hidden, &limits, answer, size);
}
