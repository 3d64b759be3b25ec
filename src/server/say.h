/*
 * What an admin's command says, escaped, while it holds a lock: whoever has
 * stopped the terminal (^S), or left a pager open, keeps nobody else out.
 *
 *	struct say s = { .fd = 1 };
 *	say_line(&s, ...)   one line, whatever is in it; say_text(): many
 *	                    never waits for long: s.lost is set instead, and
 *	                    from then on nothing is said
 *	say_end(&s)         the locks are free: waits until all is read
 */
#ifndef SERVER_SAY_H
#define SERVER_SAY_H

#include <stdbool.h>
#include <stddef.h>

struct sink;

struct say {
	int fd;
	struct sink *sink; /* from the first byte on */
	bool lost;         /* something that nobody would take */
};

void say_line(struct say *s, const char *text);
void say_text(struct say *s, const char *text, size_t len);
void say_end(struct say *s);

#endif
