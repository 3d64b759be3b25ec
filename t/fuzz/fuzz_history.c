/*
 * A history with any text: its events are read without regard to what stands
 * around them, what it says of switches and rollbacks are IDs, and an event that
 * is appended is read back as it was.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "server/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Events so far, and the last of them. */
struct seen {
	size_t n;
	char *name, *id, *from, *who, *text;
};

static void
forget(struct seen *s)
{
	free(s->name);
	free(s->id);
	free(s->from);
	free(s->who);
	free(s->text);
	s->name = NULL;
}

static int
note(const struct event *e, void *arg)
{
	struct seen *s = arg;

	assert(e->name && e->id && e->from && e->who && e->text);
	if (s->name)
		forget(s);
	s->n++;
	s->name = mem_strdup(e->name);
	s->id = mem_strdup(e->id);
	s->from = mem_strdup(e->from);
	s->who = mem_strdup(e->who);
	s->text = mem_strdup(e->text);
	return 0;
}

/* It is cut when it is written, and "-" alone is written for nothing. */
static void
check_field(const char *was, const char *is, size_t most)
{
	if (!strcmp(was, "-"))
		assert(!*is);
	else
		assert(!strncmp(was, is, most) &&
			strlen(is) == strnlen(was, most));
}

static void
check_append(const struct store *s, const struct seen *last)
{
	struct seen again = { 0 };
	struct error err = ERROR_INIT;

	assert(history_append(s, "live", last->id, last->from, last->who,
		       last->text, &err) == 0);
	assert(history_each(s, note, &again, &err) == 0);
	assert(again.n == last->n + 1 && !strcmp(again.name, "live"));
	check_field(last->id, again.id, SIZE_MAX);
	check_field(last->from, again.from, SIZE_MAX);
	check_field(last->who, again.who, 255);
	check_field(last->text, again.text, 1023);
	forget(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store s;
	struct history_switch w;
	struct error err = ERROR_INIT;
	struct seen last = { 0 };
	char id[RELEASE_ID_LEN + 1];
	int rc;

	if (!s.path) {
		assert(store_open(&s, scratch_dir(), "blog", true,
			       "deploy local:", &err) == 0);
		s.relaxed = true;
	}
	scratch_write("blog/.deployd/history", data, size);
	assert(history_each(&s, note, &last, &err) == 0);
	rc = history_unfinished(&s, &w, &err);
	assert(rc >= 0);
	if (rc) {
		assert(path_is_release(w.id));
		assert(!*w.from || path_is_release(w.from));
	}
	assert(history_previous(&s, id, NULL, &err) == 0 && !*id);
	if (last.name)
		check_append(&s, &last);
	forget(&last);
	return 0;
}
