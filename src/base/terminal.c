#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"
#include "log.h"

static int
open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool
terminal_possible(void)
{
	int fd = open_terminal();

	if (fd < 0)
		return false;
	io_close(&fd);
	return true;
}

/* Waits for a byte: 0, or -1 when it is given up. */
static int
await(const struct terminal_limits *l, int fd)
{
	for (;;) {
		struct pollfd p[2] = { { fd, POLLIN, 0 },
			{ l->wake, POLLIN, 0 } };
		int64_t left = l->until - io_now_ms();

		if ((l->until && left <= 0) ||
			poll(p, 2, l->until ? (int)left : -1) < 0 ||
			(l->stopped && l->stopped(l->arg)))
			return -1;
		if (p[0].revents)
			return 0;
		if (p[1].revents)
			return -1;
	}
}

/* One byte at a time: what follows the newline is not ours. */
static int
read_line(const struct terminal_limits *l, int fd, char *answer, size_t size)
{
	size_t len = 0;
	char c;

	for (;;) {
		if (await(l, fd) < 0 || read(fd, &c, 1) != 1)
			return -1;
		if (c == '\n' || c == '\r')
			break;
		if (len + 1 < size)
			answer[len++] = c;
	}
	answer[len] = '\0';
	return 0;
}

int
terminal_ask(const char *text, bool hidden,
	const struct terminal_limits *limits, char *answer, size_t size)
{
	static const struct terminal_limits none = { .wake = -1 };
	int fd = open_terminal(), rc;
	struct termios old, quiet;

	if (fd < 0)
		return -1;
	log_live("");
	if (tcgetattr(fd, &old) < 0)
		hidden = false;
	if (hidden) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
		/* What was typed ahead was not meant for this question. */
		(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	}
	(void)io_write_full(fd, text, strlen(text));
	rc = read_line(limits ? limits : &none, fd, answer, size);
	if (hidden) {
		(void)tcsetattr(fd, TCSAFLUSH, &old);
		(void)io_write_full(fd, "\n", 1);
	}
	if (rc < 0)
		explicit_bzero(answer, size);
	io_close(&fd);
	return rc;
}
