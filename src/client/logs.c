/* The verb logs: what the app's service says. */
#include "client/ask.h"
#include "client/verbs.h"

int
verb_logs(struct options *o, struct error *err)
{
	struct ask a = { .verb = "logs",
		.own_words = true,
		.follow = o->follow,
		.output = true,
		.text = true };

	return ask_run(&a, o, err);
}
