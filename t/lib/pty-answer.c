/*
 * pty-answer [QUESTION ANSWER]... [LAST] -- COMMAND...: runs it on a terminal
 * of its own; types ANSWER and a newline when QUESTION has appeared, one after
 * the other.  Closes the terminal, as a window is closed, when LAST has.  What
 * the terminal shows goes to standard output.  Exits as the command does, with
 * 1 if a signal ended it, or with 124 after 30 seconds.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

#define PATIENCE_MS 30000

struct session {
	int fd;
	char **pairs; /* what is left of them; ends with "--" */
	struct buf seen;
};

/* Whether the last was seen. */
static bool
answer(struct session *s)
{
	while (strcmp(s->pairs[0], "--") != 0) {
		char *at = strstr(buf_str(&s->seen), s->pairs[0]);

		if (!at)
			return false;
		if (!strcmp(s->pairs[1], "--"))
			return true;
		buf_consume(&s->seen,
			(size_t)(at - s->seen.data) + strlen(s->pairs[0]));
		/* The echo is turned off before the question is asked. */
		(void)io_write_full(s->fd, s->pairs[1], strlen(s->pairs[1]));
		(void)io_write_full(s->fd, "\n", 1);
		s->pairs += 2;
	}
	return false;
}

/* Until the terminal is closed: 0, or -1 when it took too long. */
static int
watch(struct session *s)
{
	int64_t until = io_now_ms() + PATIENCE_MS;

	for (;;) {
		struct pollfd p = { s->fd, POLLIN, 0 };
		int64_t left = until - io_now_ms();
		size_t before = s->seen.len;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return -1;
		if (io_read_some(s->fd, &s->seen, 4096) <= 0)
			return 0;
		(void)io_write_full(STDOUT_FILENO, s->seen.data + before,
			s->seen.len - before);
		if (answer(s))
			return 0;
	}
}

int
main(int argc, char **argv)
{
	struct session s = { -1, argv + 1, BUF_INIT };
	int i = 1, rc, status;
	pid_t pid;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	if (i + 1 >= argc)
		return 2;
	pid = forkpty(&s.fd, NULL, NULL, NULL);
	if (pid < 0)
		return 1;
	if (pid == 0) {
		execvp(argv[i + 1], argv + i + 1);
		_exit(127);
	}
	rc = watch(&s);
	close(s.fd);
	if (rc < 0)
		kill(pid, SIGKILL);
	buf_release(&s.seen);
	if (waitpid(pid, &status, 0) != pid || rc < 0)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
