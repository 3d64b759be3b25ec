#include "prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "internal.h"

bool
prompt_possible(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	io_close(&fd);
	return true;
}

/* One byte at a time: what follows the newline is not ours. */
static int
read_line(const struct transport *t, int fd, char *answer, size_t size)
{
	int64_t end = transport_until(t, 0);
	size_t len = 0;

	for (;;) {
		struct pollfd p[2] = { { fd, POLLIN, 0 },
			{ t->wake, POLLIN, 0 } };
		int64_t left = end - io_now_ms();
		char c;

		if ((end && left <= 0) ||
			poll(p, 2, end ? (int)left : -1) < 0 ||
			transport_stopped(t))
			return -1;
		if (p[1].revents && !p[0].revents)
			return -1;
		if (!p[0].revents)
			continue;
		if (read(fd, &c, 1) != 1)
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
prompt_ask(const struct transport *t, const char *text, bool hidden,
	char *answer, size_t size)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios old, quiet;
	int rc;

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
	rc = read_line(t, fd, answer, size);
	if (hidden) {
		(void)tcsetattr(fd, TCSAFLUSH, &old);
		(void)io_write_full(fd, "\n", 1);
	}
	if (rc < 0)
		explicit_bzero(answer, size);
	io_close(&fd);
	return rc;
}
