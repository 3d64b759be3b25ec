/* Which release a rollback goes to. */
#include "server/activate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that never went live has a migrate before it, which is not run here. */
static int
check_went_live(struct store *s, const char *id, struct error *err)
{
	struct record r = { 0 };
	int rc = record_load(s, id, &r, err);

	if (rc < 0 && err->status == STATUS_REFUSED)
		error_hint(err,
			"go back to another: deploy releases; deploy fsck "
			"tells what can be done");
	if (rc == 0 && !r.went_live) {
		rc = error_status(err, STATUS_REFUSED,
			"%s was never live, so nothing can be rolled back "
			"to it",
			id);
		error_hint(err, "make it live: deploy activate");
	}
	record_release(&r);
	return rc;
}

/* Releases that were live, and not gone back from. */
static size_t
count_others(const struct store *s)
{
	struct error ignored = ERROR_INIT;
	char live[RELEASE_ID_LEN + 1];
	struct strv ids = STRV_INIT;
	size_t i, n = 0;

	(void)store_current(s, live, &ignored);
	(void)store_releases(s, &ids, &ignored);
	for (i = 0; i < ids.n; i++) {
		struct record r = { 0 };

		n += strcmp(ids.v[i], live) &&
			record_load(s, ids.v[i], &r, &ignored) == 0 &&
			r.went_live && !r.held;
		record_release(&r);
	}
	strv_release(&ids);
	return n;
}

static int
refuse_rollback(const struct store *s, struct error *err)
{
	if (!count_others(s)) {
		error_status(err, STATUS_REFUSED,
			"there is no release to roll back to: none that is "
			"there was live before");
		return error_hint(err, "see what there is: deploy releases");
	}
	error_status(err, STATUS_REFUSED,
		"the history does not tell what was live before");
	return error_hint(err,
		"name the release: deploy releases lists them; what the "
		"history lacks of them, deploy fsck adds");
}

static void
say_gone(const struct store *s, const struct activate_host *host,
	const char *id)
{
	char *text = mem_printf("%s was live before, but %s", id,
		store_lost_release(s, id) ? "is not there any more" :
					    "its record is lost");

	host->note(host->arg, text);
	free(text);
}

/* Whoever did not name one is told if it is not the one that was meant. */
static int
choose_rollback(struct store *s, const char *to,
	const struct activate_host *host, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	char gone[RELEASE_ID_LEN + 1];

	if (history_previous(s, id, gone, err) < 0)
		return -1;
	if (to)
		snprintf(id, RELEASE_ID_LEN + 1, "%s", to);
	else if (*gone && *id)
		say_gone(s, host, gone);
	/* What is wrong with it is why there is none. */
	else if (*gone && !store_lost_release(s, gone))
		snprintf(id, RELEASE_ID_LEN + 1, "%s", gone);
	if (*id)
		return check_went_live(s, id, err);
	return refuse_rollback(s, err);
}

int
activate_rollback(struct store *s, const struct config *c, const char *to,
	const char *expected, const char *who, uint64_t wait, bool force,
	const struct activate_host *host, char went[static RELEASE_ID_LEN + 1],
	const char **failed, struct error *err)
{
	struct activate_options o = { .kind = ACTIVATE_ROLLBACK,
		.who = who,
		.wait = wait,
		.old = true,
		.force = force };
	char was[RELEASE_ID_LEN + 1];
	int rc;

	*failed = NULL;
	if (store_current(s, was, err) < 0 ||
		choose_rollback(s, to, host, went, err) < 0)
		return -1;
	o.release = went;
	o.expected = expected ? expected : was;
	rc = activate_release(s, c, &o, host, failed, err);
	if (rc == 0)
		host->note(host->arg,
			"migrations and the env file are not undone by "
			"a rollback");
	return rc;
}
