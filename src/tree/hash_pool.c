#include "tree/hash_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tree/hash.h"

#define THREADS_MOST 64
#define BLOCK 256

/* A file that was asked for; there may be many. */
struct job {
	const char *path;
	size_t entry;
};

/* What came out of it. */
struct result {
	uint64_t inode;
	int64_t size;
	struct timespec mtime, ctime;
	struct chunks *chunks;
	uint8_t digest[DIGEST_SIZE];
	mode_t mode;
	int failed; /* errno, where that is no end */
	bool done;
};

struct hash_pool {
	int dirfd;
	int most; /* threads */
	bool tolerant;
	struct kept *kept; /* or NULL */
	pthread_t threads[THREADS_MOST];
	int n_threads;
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t work, done;
	struct job *v;
	size_t n, cap;
	struct result **blocks; /* of BLOCK jobs each, while one is not given */
	size_t n_blocks, cap_blocks;
	size_t taken, finished, given;
	size_t failed;    /* the first job that failed, or SIZE_MAX */
	struct error err; /* its */
	uint64_t read;
	bool ending;      /* no more work will come */
	atomic_bool stop; /* leave off even within a file */
};

struct hash_pool *
hash_pool_new(int dirfd, int threads)
{
	struct hash_pool *p = mem_zalloc(1, sizeof(*p));
	pthread_condattr_t attributes;
	long n = threads > 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN);

	p->dirfd = dirfd;
	p->most = n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (int)n;
	p->failed = SIZE_MAX;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return p;
}

void
hash_pool_tolerate(struct hash_pool *p)
{
	p->tolerant = true;
}

void
hash_pool_keep(struct hash_pool *p, struct kept *kept)
{
	p->kept = kept;
}

/* Notes what came out of a job; the mutex is held. */
static void
note(struct result *r, const struct stat *st,
	const uint8_t digest[static DIGEST_SIZE], struct chunks *chunks)
{
	r->inode = st->st_ino;
	r->size = st->st_size;
	r->mtime = st->st_mtim;
	r->ctime = st->st_ctim;
	r->mode = st->st_mode;
	r->chunks = chunks;
	memcpy(r->digest, digest, DIGEST_SIZE);
	r->done = true;
}

static void
note_failure(struct hash_pool *p, size_t i, int error, const struct error *err)
{
	struct result *r = &p->blocks[i / BLOCK][i % BLOCK];

	if (p->tolerant) {
		r->failed = error;
		r->done = true;
		return;
	}
	if (i > p->failed)
		return;
	p->failed = i;
	p->err = *err;
}

/* Does the next job; called with the mutex held, which it lets go. */
static void
do_job(struct hash_pool *p, struct hash_reader *r)
{
	struct error err = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	size_t i = p->taken++;
	const struct job job = p->v[i];
	struct result *result;
	struct chunks *chunks = NULL;
	struct stat st;
	int rc, error;

	if (!p->blocks[i / BLOCK])
		p->blocks[i / BLOCK] = mem_zalloc(BLOCK, sizeof(*result));
	result = &p->blocks[i / BLOCK][i % BLOCK];
	pthread_mutex_unlock(&p->mutex);
	rc = hash_reader_file(r, job.path, &st, digest,
		p->tolerant ? NULL : &chunks, &err);
	error = errno;
	if (r->whole)
		kept_add(p->kept, job.entry, r->whole);
	pthread_mutex_lock(&p->mutex);
	if (rc == 0)
		note(result, &st, digest, chunks);
	else
		note_failure(p, i, error, &err);
	p->finished++;
	p->read += r->read;
	r->read = 0;
	if (p->finished == p->n || rc < 0)
		pthread_cond_signal(&p->done);
}

/* A thread's life: jobs while there are any, then waiting for more. */
static void *
run(void *arg)
{
	struct hash_pool *p = arg;
	struct hash_reader r;

	hash_reader_init(&r, p->dirfd, &p->stop);
	r.kept = p->kept;
	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		if (p->taken < p->n)
			do_job(p, &r);
		else if (p->ending)
			break;
		else
			pthread_cond_wait(&p->work, &p->mutex);
	}
	pthread_mutex_unlock(&p->mutex);
	hash_reader_release(&r);
	return NULL;
}

void
hash_pool_add(struct hash_pool *p, const char *path, size_t entry)
{
	size_t waiting;

	pthread_mutex_lock(&p->mutex);
	if (p->n % BLOCK == 0) {
		MEM_GROW(p->blocks, p->n_blocks, p->cap_blocks);
		p->blocks[p->n_blocks++] = NULL;
	}
	MEM_GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct job){ .path = path, .entry = entry };
	waiting = p->n - p->taken;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->mutex);
	if (p->n_threads < p->most && waiting > (size_t)p->n_threads &&
		pthread_create(&p->threads[p->n_threads], NULL, run, p) == 0)
		p->n_threads++;
}

uint64_t
hash_pool_read(struct hash_pool *p)
{
	uint64_t read;

	pthread_mutex_lock(&p->mutex);
	read = p->read;
	pthread_mutex_unlock(&p->mutex);
	return read;
}

/* Where no thread could be had, the caller's does the work, a job a call. */
static void
work_alone(struct hash_pool *p)
{
	struct hash_reader r;

	hash_reader_init(&r, p->dirfd, NULL);
	r.kept = p->kept;
	do_job(p, &r);
	hash_reader_release(&r);
}

bool
hash_pool_wait(struct hash_pool *p, int ms)
{
	struct timespec until;
	int64_t ns;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns = until.tv_nsec + (int64_t)ms * 1000000;
	until.tv_sec += ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	pthread_mutex_lock(&p->mutex);
	while (!(done = p->finished == p->n || p->failed != SIZE_MAX)) {
		if (!p->n_threads)
			work_alone(p);
		else if (pthread_cond_timedwait(&p->done, &p->mutex, &until) ==
			ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&p->mutex);
	return done;
}

static void
give(const struct result *r, struct stat *st,
	uint8_t digest[static DIGEST_SIZE])
{
	memset(st, 0, sizeof(*st));
	st->st_ino = r->inode;
	st->st_size = r->size;
	st->st_mtim = r->mtime;
	st->st_ctim = r->ctime;
	st->st_mode = r->mode;
	memcpy(digest, r->digest, DIGEST_SIZE);
	errno = r->failed;
}

/* Forgets what was given last. */
static void
forget(struct hash_pool *p)
{
	size_t last = p->given - 1;
	struct result **block;

	if (!p->given)
		return;
	block = &p->blocks[last / BLOCK];
	if (!*block)
		return;
	free((*block)[last % BLOCK].chunks);
	(*block)[last % BLOCK].chunks = NULL;
	if (p->given % BLOCK == 0) {
		free(*block);
		*block = NULL;
	}
}

static int
next(struct hash_pool *p, size_t *entry, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], const struct chunks **chunks,
	struct error *err)
{
	size_t i = p->given;
	const struct result *r;

	if (p->failed != SIZE_MAX) { /* others still run */
		*err = p->err;
		return -1;
	}
	forget(p);
	r = i < p->taken ? &p->blocks[i / BLOCK][i % BLOCK] : NULL;
	if (!r || !r->done)
		return 0;
	give(r, st, digest);
	*chunks = r->chunks;
	*entry = p->v[i].entry;
	p->given++;
	return 1;
}

int
hash_pool_next(struct hash_pool *p, size_t *entry, struct stat *st,
	uint8_t digest[static DIGEST_SIZE], const struct chunks **chunks,
	struct error *err)
{
	int rc;

	pthread_mutex_lock(&p->mutex);
	rc = next(p, entry, st, digest, chunks, err);
	pthread_mutex_unlock(&p->mutex);
	return rc;
}

static void
free_blocks(struct hash_pool *p)
{
	size_t i, k;

	for (i = 0; i < p->n_blocks; i++) {
		for (k = 0; p->blocks[i] && k < BLOCK; k++)
			free(p->blocks[i][k].chunks);
		free(p->blocks[i]);
	}
	free(p->blocks);
}

void
hash_pool_free(struct hash_pool *p)
{
	int i;

	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	p->stop = p->finished != p->n;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free_blocks(p);
	free(p->v);
	free(p);
}
