#include "server/listing.h"

#include <errno.h>
#include <string.h>

/* What was live last and still is there, "" if nothing. */
static int
find_lost(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	if (history_live(s, id, err) < 0)
		return -1;
	if (*id && store_lost_release(s, id))
		id[0] = '\0';
	return 0;
}

int
listing_live(const struct store *s, char id[static RELEASE_ID_LEN + 1],
	struct error *err)
{
	char lost[RELEASE_ID_LEN + 1];

	if (store_current(s, id, err) < 0)
		return -1;
	if (*id && store_lost_release(s, id)) {
		error_status(err, STATUS_REFUSED,
			"current leads to %s, which is not there", id);
		return error_hint(err, "deploy again, or: deploy rollback");
	}
	if (*id)
		return 0;
	if (find_lost(s, lost, err) < 0)
		return -1;
	if (!*lost)
		return 0;
	error_status(err, STATUS_REFUSED, "current is gone, though %s was live",
		lost);
	return error_hint(err,
		"deploy fsck, or deployd fsck %s, makes it again", s->app);
}

int
listing_one(const struct store *s, const char *id, const char *live,
	listing_fn *fn, void *arg, struct error *err)
{
	struct record r = { 0 };
	struct msg_release m = { .id = (char *)id,
		.state = (char *)"damaged",
		.live = live && !strcmp(live, id),
		.reason = err->text };
	int rc = record_load(s, id, &r, err);

	/* Retention was quicker. */
	if (rc < 0 && errno == ENOENT && !m.live && store_lost_release(s, id))
		return 0;
	if (rc == 0)
		record_to_message(&r, live, &m);
	if (rc < 0 || m.live || record_is_listed(s, &r))
		fn(arg, &m);
	record_release(&r);
	return rc;
}

/* Records, and releases that have none, newest first. */
static int
list(const struct store *s, struct strv *ids, struct error *err)
{
	struct strv records = STRV_INIT, releases = STRV_INIT;
	size_t i, j;
	int rc = -1;

	if (record_list(s, &records, err) == 0 &&
		store_releases(s, &releases, err) == 0)
		rc = 0;
	for (i = records.n, j = releases.n; rc == 0 && (i || j);) {
		int order = !i ? -1 :
			!j     ? 1 :
				 strcmp(records.v[i - 1], releases.v[j - 1]);

		strv_add(ids, order < 0 ? releases.v[j - 1] : records.v[i - 1]);
		i -= order >= 0;
		j -= order <= 0;
	}
	strv_release(&records);
	strv_release(&releases);
	return rc;
}

int
listing_each(const struct store *s, listing_fn *fn, void *arg,
	struct error *err)
{
	char live[RELEASE_ID_LEN + 1];
	struct strv ids = STRV_INIT;
	struct error one = ERROR_INIT;
	size_t i;
	int rc = listing_live(s, live, err);

	if (list(s, &ids, rc < 0 ? &one : err) < 0)
		rc = -1;
	for (i = 0; i < ids.n; i++) {
		if (listing_one(s, ids.v[i], live, fn, arg, &one) == 0)
			continue;
		if (rc == 0)
			*err = one;
		rc = -1;
	}
	strv_release(&ids);
	return rc;
}
