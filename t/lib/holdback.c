/*
 * holdback [-x SCRIPT] TYPE FILE COMMAND...
 *
 * Stands between its own standard input and output and those of COMMAND, a
 * `deployd --serve', and keeps back what COMMAND says until a frame of TYPE
 * has come from the client: one that waits for an answer first waits for
 * ever.  When the first frame of TYPE comes, SCRIPT is run before it is
 * passed on.  At the end the number of frames that came after the first word
 * of COMMAND was let through is written to FILE.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "wire/frame.h"

struct relay {
	const char *type, *script;
	struct buf seen; /* of the client, not parsed yet */
	struct buf held; /* of COMMAND */
	bool magic, open;
	unsigned late;
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
take_frame(struct relay *r, const struct frame *f)
{
	if (r->open && f->type[0] != '.')
		r->late++;
	if (r->open || strcmp(f->type, r->type) != 0)
		return;
	if (r->script && system(r->script) != 0)
		exit(1);
	r->open = true;
}

static void
look(struct relay *r)
{
	const size_t magic = strlen(PROTOCOL_MAGIC);
	struct error err = ERROR_INIT;
	struct frame f;
	long n;

	if (!r->magic && r->seen.len < magic)
		return;
	if (!r->magic)
		buf_consume(&r->seen, magic);
	r->magic = true;
	while (r->seen.len &&
		(n = frame_parse(r->seen.data, r->seen.len, &f, &err)) > 0) {
		take_frame(r, &f);
		buf_consume(&r->seen, (size_t)n);
	}
}

/* What can be read there, seen and held as it was; false at its end. */
static bool
pass_up(struct relay *r, int out)
{
	char data[65536];
	ssize_t n = read(0, data, sizeof(data));

	if (n <= 0)
		return false;
	buf_add(&r->seen, data, (size_t)n);
	look(r);
	return io_write_full(out, data, (size_t)n) == 0;
}

static bool
pass_down(struct relay *r, int in)
{
	char data[65536];
	ssize_t n = read(in, data, sizeof(data));

	if (n <= 0)
		return false;
	buf_add(&r->held, data, (size_t)n);
	return true;
}

static void
relay(struct relay *r, int in, int out)
{
	struct pollfd p[2] = { { 0, POLLIN, 0 }, { in, POLLIN, 0 } };

	while (p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents && !pass_up(r, out)) {
			p[0].fd = -1;
			close(out);
		}
		if (p[1].revents && !pass_down(r, in))
			p[1].fd = -1;
		if (r->open || p[1].fd < 0) {
			if (io_write_full(1, r->held.data, r->held.len) < 0)
				return;
			buf_clear(&r->held);
		}
	}
}

static pid_t
start(char **argv, int *in, int *out)
{
	int up[2], down[2];
	pid_t pid;

	if (pipe(up) < 0 || pipe(down) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(up[0], 0);
		dup2(down[1], 1);
		close(up[0]);
		close(up[1]);
		close(down[0]);
		close(down[1]);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(up[0]);
	close(down[1]);
	*in = down[0];
	*out = up[1];
	return pid;
}

int
main(int argc, char **argv)
{
	struct relay r = { .seen = BUF_INIT, .held = BUF_INIT };
	int in, out;
	FILE *f;
	pid_t pid;

	if (argc > 2 && !strcmp(argv[1], "-x")) {
		r.script = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 4)
		return 2;
	r.type = argv[1];
	signal(SIGPIPE, SIG_IGN);
	pid = start(argv + 3, &in, &out);
	relay(&r, in, out);
	f = fopen(argv[2], "w");
	if (!f || fprintf(f, "%u\n", r.late) < 0 || fclose(f))
		die(argv[2]);
	waitpid(pid, NULL, 0);
	buf_release(&r.seen);
	buf_release(&r.held);
	return 0;
}
