#include "client/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "transport/transport.h"

void
timeline_init(struct timeline *t)
{
	memset(t, 0, sizeof(*t));
	t->began = io_now_ms();
}

static void
forget(struct timeline *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n && strcmp(t->v[i].name, name) != 0; i++)
		;
	if (i == t->n)
		return;
	t->n--;
	memmove(&t->v[i], &t->v[i + 1], (t->n - i) * sizeof(t->v[0]));
}

void
timeline_add(struct timeline *t, const char *name, int64_t ms)
{
	size_t i;

	forget(t, name);
	if (t->n == TIMELINE_MOST)
		return;
	/* An archive is read before it goes anywhere. */
	if (ms < 0)
		ms = 0;
	for (i = t->n; i > 0 && t->v[i - 1].ms > ms; i--)
		t->v[i] = t->v[i - 1];
	snprintf(t->v[i].name, sizeof(t->v[i].name), "%s", name);
	t->v[i].ms = ms;
	t->n++;
}

void
timeline_done(struct timeline *t, const char *name)
{
	timeline_add(t, name, io_now_ms() - t->began);
}

void
timeline_end(struct timeline *t)
{
	if (*t->open)
		timeline_done(t, t->open);
	*t->open = '\0';
}

void
timeline_enter(struct timeline *t, const char *name)
{
	timeline_end(t);
	snprintf(t->open, sizeof(t->open), "%s", name);
}

void
timeline_connection(struct timeline *t, const struct transport_report *r)
{
	const struct {
		const char *name;
		int ms;
	} phases[] = { { "connect", r->connected_ms },
		{ "key exchange", r->keys_ms },
		{ "authentication", r->authenticated_ms },
		{ "exec", r->exec_ms } };
	size_t i;

	for (i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (phases[i].ms)
			timeline_add(t, phases[i].name, phases[i].ms);
}

void
timeline_format(const struct timeline *t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		buf_addf(out, "%s%s %" PRId64, i ? ", " : "", t->v[i].name,
			t->v[i].ms);
}
