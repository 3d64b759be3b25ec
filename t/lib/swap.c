/*
 * swap OUTSIDE LINKS PATTERN...
 *
 * Exchanges, as fast as can be and until it gets a TERM, whatever matches one
 * of the patterns with a symbolic link to OUTSIDE/NAME, and back: NAME is the
 * last component of what matched.  The links, and for the moment what they
 * stand in for, lie in LINKS, an empty directory of the same file system.  At
 * the end it puts back what it can and prints how often it exchanged.  All
 * paths are absolute.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"

/* Rounds after which the patterns are matched again. */
#define ROUNDS 4
/* Exchanges of one before the next: even, so that it is itself again. */
#define TURNS 32

static volatile sig_atomic_t over;

struct swap {
	const char *outside;
	int links;         /* handles, */
	struct beneath at; /* this one of / */
	unsigned long done;
	unsigned lost;
};

static void
stop(int number)
{
	(void)number;
	over = 1;
}

static void
look(char **patterns, glob_t *found)
{
	int flags = GLOB_NOSORT;

	for (; *patterns; patterns++) {
		glob(*patterns, flags, NULL, found);
		flags |= GLOB_APPEND;
	}
}

static bool
is_link(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode);
}

/* What stays there when its place is taken is moved out of the way. */
static void
put_back(struct swap *s, int dir, const char *name)
{
	char aside[32];

	if (is_link(s->links, "link")) {
		unlinkat(s->links, "link", 0);
	} else if (renameat2(s->links, "link", dir, name, RENAME_NOREPLACE) <
		0) {
		snprintf(aside, sizeof(aside), "lost.%u", s->lost++);
		(void)renameat(s->links, "link", s->links, aside);
	}
}

/* Stops when somebody else has changed something: it could stay a link. */
static void
exchange(struct swap *s, int dir, const char *name)
{
	char target[4200];
	int i;

	snprintf(target, sizeof(target), "%s/%s", s->outside, name);
	if (is_link(dir, name) || symlinkat(target, s->links, "link") < 0)
		return;
	for (i = 0; i < TURNS; i++) {
		if (renameat2(s->links, "link", dir, name, RENAME_EXCHANGE) < 0)
			break;
		s->done++;
	}
	put_back(s, dir, name);
}

/* Its parent may be a link that we have put there, and is not followed. */
static void
exchange_path(struct swap *s, const char *path)
{
	const char *name;
	int dir = beneath_at(&s->at, path + 1, &name);

	if (dir >= 0)
		exchange(s, dir, name);
	beneath_forget(&s->at);
}

int
main(int argc, char **argv)
{
	struct swap s;
	glob_t found;
	size_t i;
	int round;

	if (argc < 4)
		return 2;
	s = (struct swap){ .outside = argv[1] };
	s.links = open(argv[2], O_PATH | O_DIRECTORY);
	beneath_init(&s.at, open("/", O_PATH | O_DIRECTORY));
	if (s.links < 0 || s.at.root < 0)
		return 1;
	signal(SIGTERM, stop);
	while (!over) {
		look(argv + 3, &found);
		for (round = 0; round < ROUNDS && !over; round++)
			for (i = 0; i < found.gl_pathc && !over; i++)
				exchange_path(&s, found.gl_pathv[i]);
		globfree(&found);
	}
	printf("%lu\n", s.done);
	return 0;
}
