#include "serve.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "inside.h"
#include "scratch.h"
#include "server/lanes.h"

/* The session's two ends, in place of the standard streams. */
static int serve_in = -1, serve_out = -1;
#undef STDIN_FILENO
#undef STDOUT_FILENO
#define STDIN_FILENO serve_in
#define STDOUT_FILENO serve_out
#include "server/serve.c"

#define ROOT SERVE_ROOT
#define PIPE_SIZE (1 << 20)
#define ENV "A=b\nLONG=\"two\nlines\"\n"
#define NOW 1767323045 /* 2026-01-02 03:04:05 */

static struct config config;
static struct manifest live;

/* The client's end. */
struct client {
	int say, lane_say, lane_out, joined;
	const struct buf *main;
	const struct cook *cook; /* where it waits */
	size_t said, waited;
	const struct buf *lane; /* not said yet, or NULL */
};

static const char first[] =
	"deploy-protocol 1\n>hello\nversion 1\n"
	">push\napp blog\nthen activate\ntree @\nsettings @\nfiles @\n"
	">full\n>settings\n[app]\nshared = data/\n"
	">manifest\nf\t755\t@\tb\nd\t755\tcss\nf\t644\t@\tcss/a\nend\t@\n"
	">file\nold\n>file\nbody\n";
static const char second[] =
	"deploy-protocol 1\n>hello\nversion 1\n"
	">push\napp blog\nthen activate\ntree @\nsettings @\nfiles @\n"
	">full\n>settings\n[app]\nshared = data/\n"
	">manifest\nf\t644\t@\tc\nd\t755\tcss\nf\t644\t@\tcss/a\n"
	"l\tc\tlink\nend\t@\n"
	">file\nworlds\n>file\nbody {}\n";

/* The same IDs each time, so that an input may name them. */
time_t
time(time_t *t)
{
	if (t)
		*t = NOW;
	return NOW;
}

static void
configure(void)
{
	config.root = mem_strdup(scratch_path(ROOT));
	config.umask = 022;
	config.keep = 2;
	config.spare = true;
	config.relaxed = true;
	config.max_files = config.max_entries = 1000;
	config.max_bytes = config.max_file_size = 64 << 20;
	config.max_path = 1000;
	config.max_manifest = 1 << 20;
	config.max_sessions = 2;
	config.request_timeout = config.stall_timeout = 60;
	config.min_rate = 1;
}

/* A pipe that holds much. */
static void
open_pipe(int fds[static 2])
{
	int rc = pipe2(fds, O_CLOEXEC);

	assert(rc == 0);
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
	(void)io_nonblock(fds[1]);
}

static void
say(int fd, const char *data, size_t len)
{
	/* More than it holds is cut off. */
	if (len && write(fd, data, len) < 0)
		assert(errno == EAGAIN);
}

/* Up to the next place at which it waits; false at the end. */
static bool
say_more(struct client *c)
{
	size_t to = c->main->len;

	if (c->say < 0 || c->said == to)
		return false;
	if (c->waited < c->cook->n_waits)
		to = c->cook->waits[c->waited++];
	say(c->say, c->main->data + c->said, to - c->said);
	c->said = to;
	return true;
}

static bool
find_token(char token[static LANE_TOKEN + 1])
{
	char text[4096];
	ssize_t n = pread(serve_out, text, sizeof(text) - 1, 0);
	const char *at;

	text[n > 0 ? n : 0] = '\0';
	at = n > 0 ? memmem(text, (size_t)n, "\ntoken ", 7) : NULL;
	if (!at || strlen(at) < 7 + LANE_TOKEN)
		return false;
	snprintf(token, LANE_TOKEN + 1, "%s", at + 7);
	return true;
}

static bool
join(struct client *c)
{
	char token[LANE_TOKEN + 1];
	struct error err = ERROR_INIT;
	int dir, fds[2];

	if (!c->lane || !find_token(token))
		return false;
	dir = open(scratch_path(ROOT "/blog/.deployd"),
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	open_pipe(fds);
	say(fds[1], c->lane->data, c->lane->len);
	c->lane = NULL;
	c->lane_say = fds[1];
	c->lane_out = memfd_create("out", MFD_CLOEXEC);
	c->joined = lanes_join(dir, token, fds[0], c->lane_out, &err);
	close(fds[0]);
	close(dir);
	if (c->joined >= 0)
		shutdown(c->joined, SHUT_WR);
	return c->joined >= 0;
}

/* Nobody says anything any more: the next thing is done, last the end. */
static bool
on_idle(void *arg)
{
	struct client *c = arg;

	if (join(c) || say_more(c))
		return true;
	if (c->lane_say >= 0) {
		io_close(&c->lane_say);
		return true;
	}
	if (c->say < 0)
		return false;
	io_close(&c->say);
	return true;
}

static void
run_session(const struct buf *said, const struct cook *cook,
	const struct buf *lane)
{
	struct client c = { -1, -1, -1, -1, said, cook, 0, 0, lane };
	int fds[2];

	open_pipe(fds);
	serve_in = fds[0];
	c.say = fds[1];
	(void)say_more(&c);
	serve_out = memfd_create("out", MFD_CLOEXEC);
	inside_on_idle(on_idle, &c);
	serve_run(&config);
	inside_on_idle(NULL, NULL);
	io_close(&c.say);
	io_close(&c.lane_say);
	io_close(&c.lane_out);
	io_close(&c.joined);
	io_close(&serve_in);
}

static void
check_output(void)
{
	off_t size = lseek(serve_out, 0, SEEK_END);
	char *text = mem_alloc((size_t)size + 1);

	assert(io_pread_full(serve_out, text, (size_t)size, 0) == size);
	serve_check_said(text, (size_t)size);
	free(text);
	io_close(&serve_out);
}

static void
deploy(const char *text)
{
	struct buf said = BUF_INIT;
	struct cook c;

	cook_init(&c, NULL);
	cook(&c, text, strlen(text), &said);
	run_session(&said, &c, NULL);
	check_output();
	manifest_release(&live);
	live = c.m;
	memset(&c.m, 0, sizeof(c.m));
	cook_release(&c);
	buf_release(&said);
}

/* It shall be what it says it is, or fuzzing it would be in vain. */
static void
check_made(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/blog/current/link", ROOT);
	if (stat(scratch_path(path), &st) == 0 && st.st_size == 7)
		return;
	fprintf(stderr, "the store could not be made\n");
	abort();
}

static void
make_store(void)
{
	log_set_level(LOG_QUIET);
	scratch_mkdir(ROOT);
	scratch_mkdir("outside");
	scratch_write("outside/file", "outside\n", 8);
	configure();
	deploy(first);
	deploy(second);
	scratch_write(ROOT "/blog/env", ENV, strlen(ENV));
	check_made();
	scratch_keep();
}

const struct manifest *
serve_live(void)
{
	if (!live.n)
		make_store();
	return &live;
}

/* A session, after which what it has opened is closed. */
static void
run_and_check(const struct buf *said, const struct cook *c,
	const struct buf *lane)
{
	int before, cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)serve_live();
	before = scratch_open_files();
	run_session(said, c, lane);
	/* To fetch and to verify go where a process may stay. */
	if (fchdir(cwd) < 0)
		abort();
	check_output();
	assert(scratch_open_files() == before);
	close(cwd);
}

void
serve_session(const struct buf *said, const struct cook *c,
	const struct buf *lane)
{
	run_and_check(said, c, lane);
	if (!scratch_changed())
		return;
	assert(!scratch_touched("outside"));
	serve_check_store(config.root);
	scratch_restore();
}

void
serve_spoilt(const struct buf *said, const struct cook *c)
{
	run_and_check(said, c, NULL);
	assert(!scratch_touched("outside"));
	serve_check_locks(config.root);
	scratch_restore();
}
