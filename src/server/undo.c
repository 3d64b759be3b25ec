#include "server/undo.h"

#include <stdlib.h>
#include <string.h>

#include "server/stage.h"

/* For switch.lock. */
#define LOCK_SECONDS 5

static void
note_failed(struct store *s, struct record *r, const char *why)
{
	struct error ignored = ERROR_INIT;

	history_append(s, "failed", r->id, "", r->by, why, &ignored);
	free(r->state);
	r->state = mem_strdup("failed");
	free(r->reason);
	r->reason = mem_strdup(why);
	record_save(s, r, &ignored);
}

void
undo_release(struct store *s, struct record *r, const struct error *why)
{
	char live[RELEASE_ID_LEN + 1], holder[STORE_HOLDER];
	struct error ignored = ERROR_INIT;
	bool taken = false;

	/* Under the lock: an `activate' may be making it live just now. */
	store_holder(r->by ? r->by : "deployd", holder);
	if (store_lock_switch(s, holder, LOCK_SECONDS, NULL, NULL, &ignored) <
		0)
		return;
	if (store_current(s, live, &ignored) == 0 && strcmp(live, r->id)) {
		if (why->status != STATUS_REVERTED)
			note_failed(s, r, why->text);
		taken = stage_take_away(s, r->id, &ignored) == 0;
	}
	store_unlock_switch(s);
	if (taken)
		stage_take_back(s, r->id);
}
