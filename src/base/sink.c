#include "sink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "error.h"
#include "io.h"
#include "mem.h"

#define QUEUE_MOST (1024 * 1024)
#define PIECE 65536
/* So often it is looked whether there is room again. */
#define LOOK_MS 20

struct sink {
	int fd;
	const char *what;
	pthread_t thread;
	bool threaded; /* else sink_add() writes */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct buf queue;
	bool closing;
	int failed; /* errno of what ended it, or 0 */
};

/* The next piece, waiting for it; 0 at the end. */
static size_t
next_piece(struct sink *s, char piece[static PIECE])
{
	size_t n;

	while (!s->queue.len && !s->closing)
		pthread_cond_wait(&s->changed, &s->mutex);
	n = s->queue.len < PIECE ? s->queue.len : PIECE;
	if (n)
		memcpy(piece, s->queue.data, n);
	buf_consume(&s->queue, n);
	return n;
}

static void *
thread_main(void *arg)
{
	struct sink *s = arg;
	char piece[PIECE];
	size_t n;

	pthread_mutex_lock(&s->mutex);
	while (!s->failed && (n = next_piece(s, piece)) > 0) {
		int failed = 0;

		pthread_mutex_unlock(&s->mutex);
		if (io_write_full(s->fd, piece, n) < 0)
			failed = errno;
		pthread_mutex_lock(&s->mutex);
		s->failed = failed;
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

struct sink *
sink_open(int fd, const char *what)
{
	struct sink *s = mem_zalloc(1, sizeof(*s));
	sigset_t all, old;

	s->fd = fd;
	s->what = what;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->changed, NULL);
	/* Signals are the main thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->threaded = pthread_create(&s->thread, NULL, thread_main, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s;
}

static int
fail(const struct sink *s, int number, struct error *err)
{
	errno = number;
	return error_errno(err, "cannot write %s", s->what);
}

int
sink_add(struct sink *s, const void *data, size_t len, struct error *err)
{
	int failed;

	if (!s->threaded)
		return io_write_full(s->fd, data, len) < 0 ?
			fail(s, errno, err) :
			0;
	pthread_mutex_lock(&s->mutex);
	failed = s->failed;
	if (!failed)
		buf_add(&s->queue, data, len);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	return failed ? fail(s, failed, err) : 0;
}

bool
sink_full(struct sink *s)
{
	bool full;

	pthread_mutex_lock(&s->mutex);
	full = s->queue.len >= QUEUE_MOST && !s->failed;
	pthread_mutex_unlock(&s->mutex);
	return full;
}

int
sink_wait(struct sink *s, int ms)
{
	int64_t end = io_now_ms() + ms;

	while (sink_full(s)) {
		if (io_now_ms() >= end)
			return -1;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

int
sink_close(struct sink *s, struct error *err)
{
	int failed;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->mutex);
	s->closing = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	if (s->threaded)
		pthread_join(s->thread, NULL);
	failed = s->failed;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	if (failed)
		fail(s, failed, err);
	buf_release(&s->queue);
	free(s);
	return failed ? -1 : 0;
}
