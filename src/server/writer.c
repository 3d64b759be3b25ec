#include "server/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "server/store.h"

/* Lines that are reported together: a wakeup for each would cost more. */
#define REPORT_MOST 512

struct slot {
	struct buf data;
	struct writer_part part;
};

struct writer {
	int tmp;
	struct writer_host host;
	char in[WRITER_NAME]; /* a file that is not whole yet */
	int fd;               /* of it, or -1 */
	struct ranges got;
	size_t n_got;

	pthread_t thread;
	bool threaded;
	pthread_mutex_t mutex; /* over the indices */
	pthread_cond_t work, room;
	struct slot slots[WRITER_SLOTS];
	size_t put, done; /* counts; slots in between wait */
	bool starved;     /* the caller waits for room */
	bool ending;
};

static void
cannot_write(struct writer *w)
{
	struct error err = ERROR_INIT;

	error_errno(&err, "cannot write the upload");
	(void)store_trouble(&err);
	if (err.status == STATUS_LOCAL)
		err.status = STATUS_REFUSED;
	w->host.fail(w->host.arg, &err);
}

static int
create(struct writer *w, const char *name, mode_t mode)
{
	return openat(w->tmp, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

/* A file that came in one piece; errno is EEXIST if its name is taken. */
static int
write_whole(struct writer *w, const struct slot *s, const char *hex)
{
	int fd = create(w, hex, s->part.mode);
	int rc;

	if (fd < 0)
		return -1;
	rc = io_write_full(fd, s->data.data, s->data.len);
	io_close(&fd);
	return rc;
}

static int
write_piece(struct writer *w, const struct slot *s)
{
	if (w->fd < 0) {
		/* Left by a process that had our number. */
		(void)unlinkat(w->tmp, w->in, 0);
		w->fd = create(w, w->in, 0600);
	}
	return w->fd < 0 ? -1 : io_write_full(w->fd, s->data.data, s->data.len);
}

/*
 * The last piece has been written.  What has that name may be what another
 * lane's writer is about to report, or half of it: it is replaced in one step.
 */
static int
keep_in(struct writer *w, const struct slot *s, const char *hex)
{
	int rc = fchmod(w->fd, s->part.mode);

	io_close(&w->fd);
	return rc < 0 ? -1 : renameat(w->tmp, w->in, w->tmp, hex);
}

static void
report(struct writer *w)
{
	if (w->n_got)
		w->host.got(w->host.arg, &w->got);
	w->got.n = w->n_got = 0;
}

static void
note_got(struct writer *w, const struct writer_part *part)
{
	/* Ranges ascend, and what comes again need not. */
	if (w->got.n && part->line <= w->got.v[w->got.n - 1].last)
		report(w);
	ranges_add(&w->got, part->line);
	if (++w->n_got >= REPORT_MOST || part->report)
		report(w);
}

static int
write_slot(struct writer *w, const struct slot *s)
{
	char hex[DIGEST_HEX + 1];

	if (s->part.end == WRITER_NOTHING)
		return 0;
	digest_to_hex(s->part.digest, hex);
	if (w->fd < 0 && s->part.end == WRITER_KEEP) {
		int rc = write_whole(w, s, hex);

		if (rc == 0 || errno != EEXIST)
			return rc;
	}
	if (write_piece(w, s) < 0)
		return -1;
	if (s->part.end == WRITER_KEEP)
		return keep_in(w, s, hex);
	if (s->part.end == WRITER_DROP) {
		io_close(&w->fd);
		(void)unlinkat(w->tmp, w->in, 0);
	}
	return 0;
}

static void
do_slot(struct writer *w, struct slot *s)
{
	if (write_slot(w, s) < 0)
		cannot_write(w);
	if (s->part.end == WRITER_KEEP || s->part.end == WRITER_NOTHING)
		note_got(w, &s->part);
	buf_clear(&s->data);
}

/* The next slot to be written, waiting for one; NULL at the end. */
static struct slot *
next_slot(struct writer *w)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&w->mutex);
	while (w->put == w->done && !w->ending)
		pthread_cond_wait(&w->work, &w->mutex);
	if (w->put != w->done)
		s = &w->slots[w->done % WRITER_SLOTS];
	pthread_mutex_unlock(&w->mutex);
	return s;
}

static void
slot_done(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	w->done++;
	/* Not for each: every wakeup costs a switch. */
	if (w->starved && w->put - w->done <= WRITER_SLOTS / 2) {
		w->starved = false;
		pthread_cond_signal(&w->room);
	}
	pthread_mutex_unlock(&w->mutex);
}

static void *
run(void *arg)
{
	struct writer *w = arg;
	struct slot *s;

	while ((s = next_slot(w))) {
		do_slot(w, s);
		slot_done(w);
	}
	return NULL;
}

void
writer_name(pid_t pid, char name[static WRITER_NAME])
{
	snprintf(name, WRITER_NAME, WRITER_PREFIX "%ld", (long)pid);
}

struct writer *
writer_new(int tmp, const struct writer_host *host)
{
	struct writer *w = mem_zalloc(1, sizeof(*w));

	w->tmp = tmp;
	writer_name(getpid(), w->in);
	w->host = *host;
	w->fd = -1;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->room, NULL);
	w->threaded = pthread_create(&w->thread, NULL, run, w) == 0;
	return w;
}

void
writer_free(struct writer *w)
{
	size_t i;

	if (!w)
		return;
	pthread_mutex_lock(&w->mutex);
	w->ending = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->mutex);
	if (w->threaded)
		pthread_join(w->thread, NULL);
	report(w);
	for (i = 0; i < WRITER_SLOTS; i++)
		buf_release(&w->slots[i].data);
	ranges_release(&w->got);
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->room);
	io_close(&w->fd);
	free(w);
}

struct buf *
writer_slot(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	while (w->put - w->done == WRITER_SLOTS) {
		w->starved = true;
		pthread_cond_wait(&w->room, &w->mutex);
	}
	pthread_mutex_unlock(&w->mutex);
	return &w->slots[w->put % WRITER_SLOTS].data;
}

void
writer_put(struct writer *w, const struct writer_part *part)
{
	struct slot *s = &w->slots[w->put % WRITER_SLOTS];

	s->part = *part;
	pthread_mutex_lock(&w->mutex);
	if (w->put++ == w->done)
		pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->mutex);
	if (!w->threaded) {
		do_slot(w, s);
		slot_done(w);
	}
}
