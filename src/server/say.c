#include "server/say.h"

#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/sink.h"

/* For so long a full queue may not move. */
#define SAY_MS 60000

static void
say(struct say *s, const struct buf *b)
{
	struct error ignored = ERROR_INIT;

	if (s->lost)
		return;
	if (!s->sink)
		s->sink = sink_open(s->fd, "what is said");
	s->lost = sink_wait(s->sink, SAY_MS) < 0;
	/* A closed output is no reason to stop. */
	if (!s->lost)
		(void)sink_add(s->sink, buf_str(b), b->len, &ignored);
}

void
say_text(struct say *s, const char *text, size_t len)
{
	struct buf safe = BUF_INIT;

	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		escape_add(&safe, text, n);
		if (nl)
			buf_addch(&safe, '\n');
		n += nl != NULL;
		text += n;
		len -= n;
	}
	say(s, &safe);
	buf_release(&safe);
}

void
say_line(struct say *s, const char *text)
{
	struct buf safe = BUF_INIT;

	escape_add(&safe, text, strlen(text));
	buf_addch(&safe, '\n');
	say(s, &safe);
	buf_release(&safe);
}

void
say_end(struct say *s)
{
	struct error ignored = ERROR_INIT;

	(void)sink_close(s->sink, &ignored);
	s->sink = NULL;
}
