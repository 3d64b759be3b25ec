#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "base/digest.h"

#define FRAME_MOST 65536

void
talk_frame(struct buf *out, const char *type, const void *data, size_t len)
{
	buf_addf(out, "%s %zu\n", type, len);
	buf_add(out, data, len);
}

void
talk_line(struct buf *out, const char *type, const char *payload)
{
	talk_frame(out, type, payload, strlen(payload));
}

void
talk_stream(struct buf *out, const char *type, const struct buf *bytes)
{
	size_t at, n;

	for (at = 0; at < bytes->len; at += n) {
		n = bytes->len - at;
		if (n > FRAME_MOST)
			n = FRAME_MOST;
		talk_frame(out, type, bytes->data + at, n);
	}
}

void
talk_hash(const void *data, size_t len, char hex[static HEX + 1])
{
	uint8_t hash[DIGEST_SIZE];

	digest_bytes(data, len, hash);
	digest_to_hex(hash, hex);
}

void
talk_tree(const struct buf *text, char hex[static HEX + 1])
{
	const char *at = buf_str(text), *end = at + text->len;
	struct buf lines = BUF_INIT;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl ? nl + 1 : end) - at);

		if (*at == 'd' || *at == 'f' || *at == 'l')
			buf_add(&lines, at, n);
		at += n;
	}
	talk_hash(buf_str(&lines), lines.len, hex);
	buf_release(&lines);
}

void
talk_pack(struct buf *out, const void *data, size_t len)
{
	size_t room = ZSTD_compressBound(len);

	out->len += ZSTD_compress(buf_reserve(out, room), room, data, len, 1);
	out->data[out->len] = '\0';
}

bool
talk_next(const struct buf *in, size_t *at, struct heard *f)
{
	const char *s = buf_str(in) + *at, *nl;
	size_t left = in->len - *at, len;
	int n = 0;

	if (*at == 0 && left >= strlen(MAGIC) &&
		!memcmp(s, MAGIC, strlen(MAGIC))) {
		*at = strlen(MAGIC);
		return talk_next(in, at, f);
	}
	nl = left ? memchr(s, '\n', left) : NULL;
	if (!nl || sscanf(s, "%16[.a-z-] %zu%n", f->type, &len, &n) != 2 ||
		s + n != nl || left - (size_t)n - 1 < len)
		return false;
	f->data = nl + 1;
	f->len = len;
	*at += (size_t)n + 1 + len;
	return true;
}

const char *
talk_value(const struct heard *f, const char *key, char *value, size_t size)
{
	const char *at = f->data, *end = at + f->len;
	size_t len = strlen(key);

	*value = '\0';
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl ? nl : end) - at);

		if (n > len && !memcmp(at, key, len) && at[len] == ' ')
			snprintf(value, size, "%.*s", (int)(n - len - 1),
				at + len + 1);
		at += n + 1;
	}
	return value;
}

static int
nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		abort();
	return fd;
}

#define REPORT 3

/* Run as OURSELVES --measure PROGRAM...; the report's descriptor is 3. */
int
measure(char *const argv[])
{
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(REPORT);
		execv(argv[0], argv);
		_exit(127);
	}
	/* It is to see the ends of its own pipes. */
	close(0);
	close(1);
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
		return 127;
	dprintf(REPORT, "%d %ld",
		WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
		used.ru_maxrss);
	return 0;
}

static void
run(char *const argv[], const char *errors, const int fds[static 3])
{
	char *all[14] = { (char *)"/proc/self/exe", (char *)MEASURE };
	int i, fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (i = 0; argv[i] && i < 11; i++)
		all[2 + i] = argv[i];
	if (dup2(fds[0], 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fd, 2) < 0 ||
		dup2(fds[2], REPORT) < 0)
		_exit(127);
	for (i = REPORT + 1; i < 16; i++)
		close(i);
	execv(all[0], all);
	_exit(127);
}

void
child_start(struct child *c, char *const argv[], const char *errors)
{
	int in[2], out[2], report[2];

	if (pipe(in) < 0 || pipe(out) < 0 || pipe(report) < 0)
		abort();
	c->in = nonblocking(in[1]);
	c->out = nonblocking(out[0]);
	c->report = nonblocking(report[0]);
	c->pid = fork();
	if (c->pid == 0)
		run(argv, errors, (int[]){ in[0], out[1], report[1] });
	close(in[0]);
	close(out[1]);
	close(report[1]);
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
write_some(struct child *c, struct talk *t)
{
	ssize_t n = write(c->in, t->out.data, t->out.len);

	if (n >= 0)
		buf_consume(&t->out, (size_t)n);
	else if (errno != EAGAIN)
		shut(&c->in);
}

/* False at its end. */
static bool
read_some(struct child *c, struct talk *t, size_t most)
{
	ssize_t n = read(c->out, buf_reserve(&t->in, most), most);
	struct heard f;

	if (n < 0)
		return errno == EAGAIN;
	t->in.len += (size_t)n;
	t->in.data[t->in.len] = '\0';
	while (talk_next(&t->in, &t->seen, &f))
		if (t->heard)
			t->heard(t, &f);
	return n > 0;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
child_talk(struct child *c, struct talk *t, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end) {
		/* Of one that is not read, its end is still seen. */
		bool listens = !t->deaf && !t->sips;
		struct pollfd p[2] = { { c->out, listens ? POLLIN : 0, 0 },
			{ t->out.len ? c->in : -1, POLLOUT, 0 } };
		int ready;

		if (t->closing && !t->out.len)
			shut(&c->in);
		ready = poll(p, 2,
			t->drips || t->sips || ms < 1000 ? 100 : 1000);
		if (ready < 0)
			abort();
		if (!ready && t->drips)
			talk_line(&t->out, ".ping", "");
		if (!ready && t->sips)
			(void)read_some(c, t, t->sips);
		if (p[1].revents)
			write_some(c, t);
		if (p[0].revents && !read_some(c, t, FRAME_MOST))
			return true;
	}
	return false;
}

int
child_end(struct child *c, long *kib)
{
	char text[64] = "";
	int status, tries;

	shut(&c->in);
	shut(&c->out);
	for (tries = 0; waitpid(c->pid, &status, WNOHANG) == 0; tries++) {
		if (tries == 3000)
			kill(c->pid, SIGKILL);
		usleep(1000);
	}
	*kib = 0;
	status = -1;
	if (read(c->report, text, sizeof(text) - 1) > 0)
		(void)sscanf(text, "%d %ld", &status, kib);
	shut(&c->report);
	return status;
}

bool
talk_next_case(void)
{
	static int n;
	const char *every = getenv("HOSTILE_EVERY");

	return !every || atoi(every) < 2 || n++ % atoi(every) == 0;
}

void
talk_result(const char *name, const char *why)
{
	printf("%s %s%s%s\n", why ? "not ok" : "ok", name, why ? ": " : "",
		why ? why : "");
	fflush(stdout);
}
