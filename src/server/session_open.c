/* The app that a session is about: its place, its store, what is live. */
#include "server/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/apps.h"
#include "server/place.h"

/*
 * An app that is there is opened first, so that whoever is refused a place
 * is told all the same what is live.
 */
static int
open_existing(struct session *s, const char *app, const char *command,
	struct error *err)
{
	if (store_open(&s->store, s->config->root, app, false, command, err) <
		0)
		return -1;
	s->opened = true;
	s->store.relaxed = s->config->relaxed;
	return 0;
}

/* For a deploy: what is missing of it is made. */
static int
open_whole(struct session *s, const char *app, const char *command,
	struct error *err)
{
	if (s->opened)
		store_release(&s->store);
	s->opened = store_open(&s->store, s->config->root, app, true, command,
			    err) == 0;
	s->store.relaxed = s->config->relaxed;
	return s->opened ? 0 : -1;
}

static void
hint_near_miss(const struct config *c, const char *app, struct error *err)
{
	char *near = apps_near_miss(c, app);

	if (near)
		error_hint(err, "%s", near);
	free(near);
}

int
session_open_app(struct session *s, const char *app, bool create,
	const char *command, struct error *err)
{
	int saved;

	if (open_existing(s, app, command, err) < 0 &&
		(!create || errno != ENOENT)) {
		saved = errno;
		if (saved == ENOENT)
			hint_near_miss(s->config, app, err);
		errno = saved;
		return -1;
	}
	if (place_take(s->config, create, &s->place, err) < 0) {
		errno = EBUSY;
		return -1;
	}
	return create ? open_whole(s, app, command, err) : 0;
}

void
session_name_live(const struct session *s, struct msg_result *r)
{
	struct error ignored = ERROR_INIT;
	char id[RELEASE_ID_LEN + 1];

	if (s->opened && store_current(&s->store, id, &ignored) == 0 && *id)
		r->live = mem_strdup(id);
}
