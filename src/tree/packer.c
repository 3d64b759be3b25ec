#include "tree/packer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/io.h"

/* Packed bytes that wait for the loop: enough for a thread's next job. */
#define QUEUE_SIZE (512 * 1024)
#define TAKE_MOST (256 * 1024)

struct line {
	uint32_t line;
	bool again;
};

/* An entry to be announced behind so many packed bytes. */
struct amended {
	struct entry entry;
	uint64_t behind;
};

struct packer {
	const struct source *source;
	struct pack *pack;
	pthread_t thread;
	bool started, alone; /* alone: no thread could be had */
	int fd;
	pthread_mutex_t mutex; /* over m, and all that follows */
	pthread_cond_t wake;
	struct line *asked; /* not handed over yet */
	size_t n_asked, cap_asked;
	struct amended *amended; /* not taken yet: next..n */
	size_t next_amended, n_amended, cap_amended;
	struct buf out;
	int64_t starving;      /* since then, or 0 */
	int64_t link, counted; /* how long something waited for it */
	uint64_t done, told;   /* bytes of files, and those of packer_done() */
	uint64_t taken;        /* packed bytes */
	struct effort effort;
	struct error err;
	bool idle, failed, stop, told_waits;
	bool signalled; /* fd can be read */
};

struct packer *
packer_new(struct source *source, struct manifest *m, int threads)
{
	struct packer *p = mem_zalloc(1, sizeof(*p));
	const struct pack_options o = { .threads = threads,
		.mutex = &p->mutex };

	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd < 0)
		abort();
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->idle = true;
	p->source = source;
	p->pack = pack_new(source, m, &o);
	return p;
}

/* The mutex is held by the callers of these. */
static void
set_signal(struct packer *p, bool on)
{
	uint64_t count = 1;

	if (p->signalled == on)
		return;
	p->signalled = on;
	if (on)
		(void)!write(p->fd, &count, sizeof(count));
	else
		(void)!read(p->fd, &count, sizeof(count));
}

static bool
must_wait(const struct packer *p)
{
	return p->idle || p->failed || p->out.len >= QUEUE_SIZE;
}

static void
hand_over(struct packer *p)
{
	size_t i;

	for (i = 0; i < p->n_asked; i++)
		if (p->asked[i].again)
			pack_again(p->pack, p->asked[i].line);
		else
			pack_ask_line(p->pack, p->asked[i].line);
	p->n_asked = 0;
}

static void
queue_amended(struct packer *p, const struct entry *e)
{
	if (p->next_amended == p->n_amended)
		p->next_amended = p->n_amended = 0;
	MEM_GROW(p->amended, p->n_amended, p->cap_amended);
	p->amended[p->n_amended++] = (struct amended){ *e,
		p->taken + p->out.len };
}

/* How long the link had nothing, up to now. */
static int64_t
count_starving(struct packer *p)
{
	int64_t since = p->starving, now = io_now_us();

	if (!since)
		return 0;
	p->starving = p->out.len ? 0 : now;
	return now - since;
}

/* One step, during which the mutex is let go. */
static void
do_step(struct packer *p, int64_t waited_us)
{
	struct pack_waits waits = { .room = waited_us };
	struct error err = ERROR_INIT;
	struct buf piece = BUF_INIT;
	const struct entry *e = NULL;
	enum pack_step step;

	hand_over(p);
	pthread_mutex_unlock(&p->mutex);
	step = pack_step(p->pack, &piece, &e, &err);
	pthread_mutex_lock(&p->mutex);
	buf_add(&p->out, buf_str(&piece), piece.len);
	waits.starved = count_starving(p);
	waits.link = p->link - p->counted;
	p->counted = p->link;
	pack_adapt(p->pack, &waits);
	buf_release(&piece);
	p->done = pack_done(p->pack);
	p->effort = *pack_effort(p->pack);
	if (step == PACK_AMENDED)
		queue_amended(p, e);
	p->idle = step == PACK_IDLE && !p->n_asked;
	if (p->idle)
		p->starving = 0;
	p->failed = step == PACK_ERROR;
	p->err = err;
	if (p->out.len || p->n_amended || p->idle || p->failed || p->alone)
		set_signal(p, true);
}

/* The threads of the compressor are started by this one. */
static void
confine_thread(struct packer *p)
{
	p->failed = source_confine(p->source, &p->err) < 0;
	if (p->failed)
		set_signal(p, true);
}

static void *
run(void *arg)
{
	struct packer *p = arg;
	int64_t waited = 0;

	pthread_mutex_lock(&p->mutex);
	confine_thread(p);
	while (!p->stop) {
		if (must_wait(p)) {
			bool full = !p->idle && !p->failed;
			int64_t began = io_now_us();

			pthread_cond_wait(&p->wake, &p->mutex);
			if (full)
				waited += io_now_us() - began;
		} else {
			do_step(p, waited);
			waited = 0;
		}
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* Signals are for the thread that polls. */
static void
start(struct packer *p)
{
	sigset_t all, old;

	if (p->started || p->alone)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->started = pthread_create(&p->thread, NULL, run, p) == 0;
	p->alone = !p->started;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
stop(struct packer *p)
{
	if (!p->started)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	p->started = false;
}

void
packer_free(struct packer *p)
{
	if (!p)
		return;
	stop(p);
	pack_free(p->pack);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->wake);
	io_close(&p->fd);
	buf_release(&p->out);
	free(p->asked);
	free(p->amended);
	free(p);
}

void
packer_undo(struct packer *p)
{
	stop(p);
	pack_undo(p->pack);
}

static void
ask(struct packer *p, uint32_t line, bool again)
{
	pthread_mutex_lock(&p->mutex);
	MEM_GROW(p->asked, p->n_asked, p->cap_asked);
	p->asked[p->n_asked++] = (struct line){ line, again };
	if (p->idle)
		pthread_cond_signal(&p->wake);
	p->idle = false;
	start(p);
	if (p->alone)
		set_signal(p, true);
	pthread_mutex_unlock(&p->mutex);
}

void
packer_ask(struct packer *p, uint32_t line)
{
	ask(p, line, false);
}

void
packer_again(struct packer *p, uint32_t line)
{
	ask(p, line, true);
}

int
packer_fd(const struct packer *p)
{
	return p->fd;
}

/* How many bytes may be taken before an entry is to be announced. */
static size_t
may_take(const struct packer *p)
{
	size_t n = p->out.len;

	if (p->next_amended < p->n_amended)
		n = (size_t)(p->amended[p->next_amended].behind - p->taken);
	return n < TAKE_MOST ? n : TAKE_MOST;
}

static void
take_bytes(struct packer *p, struct buf *out, size_t n)
{
	buf_add(out, p->out.data, n);
	buf_consume(&p->out, n);
	p->taken += n;
	pthread_cond_signal(&p->wake);
}

enum pack_step
packer_take(struct packer *p, struct buf *out, struct entry *amended,
	struct error *err)
{
	enum pack_step rc = PACK_MORE;
	size_t n;

	pthread_mutex_lock(&p->mutex);
	if (p->alone && !must_wait(p))
		do_step(p, 0);
	n = may_take(p);
	if (n) {
		take_bytes(p, out, n);
	} else if (p->next_amended < p->n_amended) {
		*amended = p->amended[p->next_amended++].entry;
		rc = PACK_AMENDED;
	} else if (p->failed) {
		*err = p->err;
		rc = PACK_ERROR;
	} else if (p->idle) {
		rc = PACK_IDLE;
	}
	if (p->next_amended == p->n_amended && !p->out.len)
		set_signal(p, p->alone && !must_wait(p));
	pthread_mutex_unlock(&p->mutex);
	return rc;
}

bool
packer_idle(struct packer *p)
{
	bool idle;

	pthread_mutex_lock(&p->mutex);
	idle = p->idle && !p->out.len && p->next_amended == p->n_amended;
	pthread_mutex_unlock(&p->mutex);
	return idle;
}

void
packer_starves(struct packer *p)
{
	pthread_mutex_lock(&p->mutex);
	if (!p->starving && !p->out.len)
		p->starving = io_now_us();
	pthread_mutex_unlock(&p->mutex);
}

void
packer_waits(struct packer *p, int64_t link_us)
{
	pthread_mutex_lock(&p->mutex);
	/* What was before the first is no matter of the packer's. */
	if (!p->told_waits)
		p->counted = link_us;
	p->told_waits = true;
	p->link = link_us;
	pthread_mutex_unlock(&p->mutex);
}

void
packer_lock(struct packer *p)
{
	pthread_mutex_lock(&p->mutex);
}

void
packer_unlock(struct packer *p)
{
	pthread_mutex_unlock(&p->mutex);
}

/* What the compressor holds is left out of account. */
uint64_t
packer_done(struct packer *p)
{
	double share = 1;

	pthread_mutex_lock(&p->mutex);
	if (p->out.len)
		share = (double)p->taken / (double)(p->taken + p->out.len);
	if (p->told < (uint64_t)((double)p->done * share))
		p->told = (uint64_t)((double)p->done * share);
	pthread_mutex_unlock(&p->mutex);
	return p->told;
}

struct effort
packer_effort(struct packer *p)
{
	struct effort e;

	pthread_mutex_lock(&p->mutex);
	e = p->effort;
	pthread_mutex_unlock(&p->mutex);
	return e;
}
