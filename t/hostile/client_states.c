/* Every frame of the client's in every state of a push. */
#include <stdio.h>
#include <string.h>

#include "client.h"

static const char *const states[] = { "before hello", "before the request",
	"void", "settings", "manifest", "content", "held" };
#define HELD 6

/*
 * One letter a state; the honest rest follows.
 *
 *	b  it is passed over or taken, and the release is built
 *	d  and deployed
 *	u  unexpected: the error names it
 *	r  no request that the server knows
 *	n  a request that names no app      v  and no verb
 *	m  malformed                        a  the deploy is aborted
 *
 * What belongs to files may still be on its way when they are all there.
 *
 * In `held' the rest is an abort.
 */
static const struct {
	const char *type, *payload, *then;
} frames[] = {
	{ "hello", "version 1\n", "rrbuuuu" },
	{ "push", "", "unbuuuu" },
	{ "ask", "", "uvbuuuu" },
	{ "put", "", "unbuuuu" },
	{ "words", "", "urbuuuu" },
	{ "input", "", "urbuuuu" },
	{ "input-end", "", "urbuuuu" },
	{ "full", "", "uruuuuu" },
	{ "settings", "", "urbuuuu" },
	{ "manifest", "", "urbubba" },
	{ "offer", "2\n", "urbuuuu" },
	{ "files", "", "urbuuba" },
	{ "amend", "", "urbuuma" },
	{ "part", "2\n", "urbuuua" },
	{ "go", "", "urbuuud" },
	{ "abort", "", "aaaaaaa" },
	{ ".ping", "", "bbbbbba" },
	{ ".log", "\033[2J", "bbbbbba" },
	{ ".unknown", "x", "bbbbbba" },
	{ "unknown", "", "urbuuuu" },
	{ "live", "", "urbuuuu" },
	{ "send", "what full\n", "urbuuuu" },
	{ "need", "1\n", "urbuuuu" },
	{ "need-end", "", "urbuuuu" },
	{ "bad", "1\n", "urbuuuu" },
	{ "staged", "", "urbuuuu" },
	{ "result", "", "urbuuuu" },
	/* What deployd's own processes say to each other. */
	{ "settled", "", "urbuuuu" },
	{ "parts", "", "urbuuuu" },
	{ "got", "2\n", "urbuuuu" },
	{ "read", "", "urbuuuu" },
	{ "fail", "", "urbuuuu" },
};

static void
hold(struct conversation *c)
{
	push_key(c, "then", "hold");
	c->waits = GO;
	c->sign = "staged";
	say(c, GO, "abort", "", 0);
}

/* In front of the step that the state ends with. */
static void
insert(struct conversation *c, size_t state, const char *type,
	const char *payload)
{
	static const enum step before[] = { HELLO, PUSH, FULL, SETTINGS,
		MANIFEST, FILES, GO };
	struct buf *step = &c->step[before[state]];
	struct buf both = BUF_INIT;

	talk_line(&both, type, payload);
	buf_add(&both, buf_str(step), step->len);
	buf_release(step);
	*step = both;
}

/* What the letters mean; of `u' the error names the frame. */
static const struct {
	char letter;
	int status;
	const char *says;
} meanings[] = {
	{ 'a', 130, "cancelled" },
	{ 'b', BUILT, "built" },
	{ 'd', 0, "deployed" },
	{ 'm', 6, "malformed" },
	{ 'n', 4, "cannot be an app's name" },
	{ 'r', 4, "does not know the request" },
	{ 'u', 6, NULL },
	{ 'v', 4, "does not know the verb" },
};

static void
expect_letter(struct conversation *c, char letter, const char *type,
	const char *state)
{
	size_t i = 0;

	while (meanings[i].letter != letter)
		i++;
	expect(c, meanings[i].status,
		meanings[i].says ? meanings[i].says : type, "state: %s in %s",
		type, state);
}

void
client_states(void)
{
	struct conversation c;
	size_t s, i;

	for (s = 0; s < COUNT(states); s++)
		for (i = 0; i < COUNT(frames); i++) {
			honest(&c);
			if (s == HELD)
				hold(&c);
			if (frames[i].then[s] == 'd')
				buf_clear(&c.step[GO]);
			insert(&c, s, frames[i].type, frames[i].payload);
			expect_letter(&c, frames[i].then[s], frames[i].type,
				states[s]);
		}
}
