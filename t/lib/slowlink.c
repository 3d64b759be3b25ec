/*
 * slowlink [-d MS] [-r KBIT] [-f BYTES] [-u BYTES] [-D BYTES] [-e]
 *	[-c FILE] COMMAND...
 *
 * Stands between its own standard input and output and those of COMMAND, as
 * a link with a delay of MS each way and a rate of KBIT/s each way, up to the
 * first -f BYTES of a way: from then on it is as fast as can be.  After
 * -u BYTES upward or -D BYTES downward the link is cut: COMMAND is killed, or
 * with -e only sees the end.
 * At the end "UP DOWN TURNS" is appended to FILE: the bytes that passed, and
 * how often something went up after something had come down, which tells what
 * was waited for.
 *
 * As a ProxyCommand it makes any transport slow, measured or broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 4096
/* What a link of that delay holds at most, times a few: never the limit. */
#define CHUNKS 16384

struct chunk {
	int64_t due; /* microseconds */
	size_t len, sent;
	char data[CHUNK];
};

/* One direction. */
struct way {
	int in, out;
	struct chunk *ring;
	size_t head, n;
	int64_t free_at; /* when the rate lets the next byte in */
	uint64_t passed, most;
	int eof, closed;
	int came; /* up: something came down since it last carried anything */
};

static int64_t delay_us, rate_kbit;
static uint64_t slow_bytes = UINT64_MAX;
static unsigned turns;
static volatile sig_atomic_t ended;

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
way_init(struct way *w, int in, int out, uint64_t most)
{
	memset(w, 0, sizeof(*w));
	w->in = in;
	w->out = out;
	w->most = most;
	w->ring = calloc(CHUNKS, sizeof(*w->ring));
	if (!w->ring)
		abort();
	fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
	fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
}

/*
 * A link's queue is short: what the rate has not taken yet waits in the
 * sender, whose congestion control would see it so.
 */
static int
may_read(const struct way *w, int64_t now)
{
	return !w->eof && w->n < CHUNKS && w->free_at <= now + 20000;
}

/* Whether there was something. */
static int
read_chunk(struct way *w, int64_t now)
{
	struct chunk *c = &w->ring[(w->head + w->n) % CHUNKS];
	ssize_t n = read(w->in, c->data, CHUNK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		w->eof = 1;
		return 0;
	}
	if (w->free_at < now)
		w->free_at = now;
	if (rate_kbit && w->passed < slow_bytes)
		w->free_at += n * 8000 / rate_kbit;
	c->due = w->free_at + delay_us;
	c->len = (size_t)n;
	c->sent = 0;
	w->n++;
	return 1;
}

static void
count_turn(struct way *up, int any)
{
	if (!any)
		return;
	turns += up->came;
	up->came = 0;
}

/* -1 when the link is to be cut. */
static int
write_chunk(struct way *w)
{
	struct chunk *c = &w->ring[w->head];
	size_t len = c->len - c->sent;
	ssize_t n;

	if (w->most && w->passed + len > w->most)
		len = w->most - w->passed;
	if (len == 0)
		return -1;
	n = write(w->out, c->data + c->sent, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		w->eof = 1;
		w->n = 0;
		return 0;
	}
	w->passed += (uint64_t)n;
	c->sent += (size_t)n;
	if (c->sent == c->len) {
		w->head = (w->head + 1) % CHUNKS;
		w->n--;
	}
	return 0;
}

/* Fills in what to poll for and returns when to look again. */
static int64_t
prepare(struct way *w, struct pollfd p[2], int64_t now)
{
	int64_t next = now + 1000000;

	p[0] = (struct pollfd){ -1, POLLIN, 0 };
	p[1] = (struct pollfd){ -1, POLLOUT, 0 };
	if (may_read(w, now))
		p[0].fd = w->in;
	else if (!w->eof && w->free_at - 20000 < next)
		next = w->free_at - 20000;
	if (w->n && w->ring[w->head].due <= now)
		p[1].fd = w->out;
	else if (w->n && w->ring[w->head].due < next)
		next = w->ring[w->head].due;
	if (w->eof && w->n == 0 && !w->closed) {
		w->closed = 1;
		if (shutdown(w->out, SHUT_WR) < 0)
			close(w->out);
	}
	return next;
}

static void
run(struct way *up, struct way *down)
{
	while (!down->closed && !ended) {
		int64_t now = now_us(), next, other;
		struct pollfd p[4];

		next = prepare(up, p, now);
		other = prepare(down, p + 2, now);
		if (other < next)
			next = other;
		if (down->closed)
			return;
		if (poll(p, 4,
			    next <= now ? 0 :
					  (int)((next - now + 999) / 1000)) < 0)
			continue;
		now = now_us();
		if (p[0].revents)
			count_turn(up, read_chunk(up, now));
		if (p[2].revents)
			(void)read_chunk(down, now);
		if (p[1].revents && write_chunk(up) < 0)
			return;
		if (p[3].revents && write_chunk(down) < 0)
			return;
		up->came = up->came || p[3].revents;
	}
}

/* The count is wanted also by who hangs up on us. */
static void
end(int number)
{
	ended = 1;
}

static void
write_count(const char *file, const struct way *up, const struct way *down)
{
	FILE *f = fopen(file, "a");

	if (!f)
		return;
	fprintf(f, "%llu %llu %u\n", (unsigned long long)up->passed,
		(unsigned long long)down->passed, turns);
	fclose(f);
}

static pid_t
start(char **argv, int *fd)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		dup2(fds[1], 0);
		dup2(fds[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	*fd = fds[0];
	return pid;
}

int
main(int argc, char **argv)
{
	const char *count = NULL;
	uint64_t most_up = 0, most_down = 0;
	struct way up, down;
	int c, fd = -1, leave = 0;
	pid_t pid;

	while ((c = getopt(argc, argv, "+d:r:f:u:D:ec:")) != -1) {
		switch (c) {
		case 'd':
			delay_us = atol(optarg) * 1000;
			break;
		case 'r':
			rate_kbit = atol(optarg);
			break;
		case 'f':
			slow_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'u':
			most_up = strtoull(optarg, NULL, 10);
			break;
		case 'D':
			most_down = strtoull(optarg, NULL, 10);
			break;
		case 'e':
			leave = 1;
			break;
		case 'c':
			count = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, end);
	signal(SIGTERM, end);
	pid = start(argv + optind, &fd);
	if (pid < 0)
		return 1;
	way_init(&up, STDIN_FILENO, fd, most_up);
	way_init(&down, fd, STDOUT_FILENO, most_down);
	run(&up, &down);
	if (count)
		write_count(count, &up, &down);
	close(fd);
	if (!leave &&
		((most_up && up.passed == most_up) ||
			(most_down && down.passed == most_down)))
		kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
