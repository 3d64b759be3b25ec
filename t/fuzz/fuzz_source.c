/*
 * Any archive is read or refused; what was read is a manifest that a peer
 * would take, and each file's bytes are what it says.
 */
#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "tarsum.h"
#include "tree/source.h"

#define SPOOL_MOST (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sparse file of a few bytes may be of any size. */
static void
limit_spool(void)
{
	struct rlimit limit = { SPOOL_MOST, SPOOL_MOST };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	log_set_level(LOG_QUIET);
}

static int
make_archive(const uint8_t *data, size_t size)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	uint8_t *copy = mem_alloc(size + 1);

	if (size)
		memcpy(copy, data, size);
	tarsum_mend(copy, size);
	if (fd < 0 || io_write_full(fd, copy, size) < 0)
		abort();
	free(copy);
	return fd;
}

static void
check_file(struct source *s, const struct manifest *m, const struct entry *e)
{
	struct error err = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	struct source_file f;
	char *bytes;
	int rc = source_open(s, m, e, 0, &f, &err);

	assert(rc == 0 && e->size <= SPOOL_MOST);
	bytes = mem_alloc(e->size + 1);
	assert(source_read(&f, bytes, e->size) == (ssize_t)e->size);
	digest_bytes(bytes, e->size, digest);
	assert(!memcmp(digest, e->digest, DIGEST_SIZE));
	free(bytes);
	source_close(&f);
}

static void
check(struct source *s, const struct manifest *m)
{
	struct manifest again = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	size_t i;

	manifest_write(m, &text);
	assert(manifest_parse(&again, text.data, text.len, &err) == 0);
	assert(again.n == m->n);
	for (i = 0; i < m->n; i++)
		if (m->v[i].type == ENTRY_FILE)
			check_file(s, m, &m->v[i]);
	manifest_release(&again);
	buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool limited;
	char name[64], *commit;
	struct source_options o = { .name = name };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct scan_result result;
	struct source s;
	int fd = make_archive(data, size);

	if (!limited)
		limit_spool();
	limited = true;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (source_archive(&s, &o, &m, &result, &commit, &err) == 0)
		check(&s, &m);
	else
		assert(err.text[0] && !commit);
	free(commit);
	source_release(&s);
	manifest_release(&m);
	scan_result_release(&result);
	close(fd);
	return 0;
}
