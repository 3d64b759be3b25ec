#include "server/switch_lock.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/io.h"

/* Before somebody is told that we wait. */
#define UNSAID_MS 1000

/* Waiting for switch.lock. */
struct waiting {
	struct store *s;
	const struct activate_host *host;
	uint64_t seconds;
	int64_t began; /* io_now_ms(); 0: it was said */
};

/* Retention has the lock for a moment, which is nothing to be told of. */
static void
say_who_switches(struct waiting *w)
{
	char holder[STORE_HOLDER];
	char *text;

	if (!w->began || io_now_ms() - w->began < UNSAID_MS)
		return;
	w->began = 0;
	store_busy_switch(w->s, holder, sizeof(holder));
	text = mem_printf("another release of %s is being made live: %s; "
			  "waiting up to %" PRIu64 " s for it",
		w->s->app, *holder ? holder : "just begun",
		store_wait_most(w->seconds));
	w->host->note(w->host->arg, text);
	free(text);
}

static int
wait_with_host(void *arg, int ms)
{
	struct waiting *w = arg;

	say_who_switches(w);
	return w->host->hooks.wait(w->host->hooks.arg, NULL, 0, ms) < 0;
}

int
switch_lock_take(struct store *s, const char *who, uint64_t seconds,
	const struct activate_host *host, struct error *err)
{
	struct waiting w = { s, host, seconds, io_now_ms() };
	char holder[STORE_HOLDER];

	store_holder(who, holder);
	return store_lock_switch(s, holder, seconds, wait_with_host, &w, err);
}
