/* The verb run: a command in the live release, its status becomes ours. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/ask.h"
#include "client/verbs.h"

static void
done(struct ask *a, const struct msg_result *r)
{
	int *code = a->arg;

	if (*code == 0)
		/* Cut to what an exit status holds it might be 0. */
		*code = r->code > 255 ? 255 : (int)r->code;
	if (r->code && log_level() == LOG_QUIET)
		watch_show_tail(&a->watch);
}

/* Takes what stands behind `--' from the arguments. */
static int
take_words(struct options *o, struct strv *words, struct error *err)
{
	size_t i, len = 0;

	for (i = o->dashes; i < o->args.n; i++) {
		len += strlen(o->args.v[i]) + 1;
		strv_take(words, o->args.v[i]);
		o->args.v[i] = NULL;
	}
	if (o->args.n)
		o->args.n = o->dashes;
	if (words->n == 0 || o->args.n > 1) {
		error_status(err, STATUS_USAGE,
			"run needs a command behind --");
		return error_hint(err,
			"usage: deploy run [TARGET] -- COMMAND [ARG...]");
	}
	if (len > FRAME_MOST)
		return error_status(err, STATUS_USAGE,
			"the command has %zu bytes, more than %d", len,
			FRAME_MOST);
	return 0;
}

int
verb_run(struct options *o, struct error *err)
{
	struct strv words = STRV_INIT;
	int code = 0, rc;
	struct ask a = { .verb = "run",
		.changes = true,
		.aside = true,
		.output = true,
		.own_words = true,
		.words = &words,
		.streams = true,
		.done = done,
		.arg = &code };

	rc = take_words(o, &words, err) < 0 ? STATUS_USAGE :
					      ask_run(&a, o, err);
	strv_release(&words);
	return rc ? rc : code;
}
