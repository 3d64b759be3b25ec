/* What holds after any session. */
#include "serve.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/lock.h"
#include "server/store.h"
#include "wire/frame.h"

/* The server's side: its hello, and one result at the very end. */
void
serve_check_said(const char *p, size_t len)
{
	struct error err = ERROR_INIT;
	struct frame f;
	size_t n_frames = 0, results = 0;
	long n;

	assert(len >= strlen(PROTOCOL_MAGIC) &&
		!memcmp(p, PROTOCOL_MAGIC, strlen(PROTOCOL_MAGIC)));
	p += strlen(PROTOCOL_MAGIC);
	len -= strlen(PROTOCOL_MAGIC);
	while (len) {
		n = frame_parse(p, len, &f, &err);
		assert(n > 0);
		assert(n_frames++ || !strcmp(f.type, "hello"));
		assert(!results);
		results += !strcmp(f.type, "result");
		p += n;
		len -= (size_t)n;
	}
	assert(results == 1);
}

static void
check_content(const struct store *s, const char *id, const struct entry *e)
{
	char *path = mem_printf("releases/%s/%s", id, e->path);
	uint8_t digest[DIGEST_SIZE];
	struct stat st;
	int rc = beneath_stat(s->dir, path, &st);

	/* Of a shared path, which is a link, nothing below it is ours. */
	if (rc < 0) {
		assert(errno == ELOOP || errno == ENOTDIR || errno == EXDEV);
	} else if (e->type == ENTRY_DIRECTORY) {
		assert(S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
	} else if (e->type == ENTRY_LINK) {
		assert(S_ISLNK(st.st_mode));
	} else if (S_ISREG(st.st_mode)) {
		struct digest *d = digest_new();
		int fd = beneath_open(s->dir, path, O_RDONLY, 0);

		assert(fd >= 0 && (uint64_t)st.st_size == e->size);
		assert(digest_fd(d, fd, digest) == st.st_size);
		assert(!memcmp(digest, e->digest, DIGEST_SIZE));
		digest_free(d);
		close(fd);
	}
	free(path);
}

/*
 * The release that is live is all there.  Shared paths are links that lead out
 * of it, and what the tree has in their place was a seed.
 */
static void
check_live(const struct store *s)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct record r = { 0 };
	char id[RELEASE_ID_LEN + 1];
	size_t i;

	assert(store_current(s, id, &err) == 0);
	if (!*id)
		return;
	assert(record_load(s, id, &r, &err) == 0);
	assert(store_load_manifest(s, r.manifest, &m, &err) == 0);
	for (i = 0; i < m.n; i++)
		check_content(s, id, &m.v[i]);
	record_release(&r);
	manifest_release(&m);
}

static void
check_tmp(const struct store *s)
{
	DIR *d = fdopendir(openat(s->own, "tmp", O_RDONLY | O_CLOEXEC));
	struct dirent *e;

	while (d && (e = readdir(d))) {
		uint8_t digest[DIGEST_SIZE];
		char hex[DIGEST_HEX + 1];
		struct digest *h;
		int fd;

		if (e->d_name[0] == '.' || !strncmp(e->d_name, "in.", 3))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_NOFOLLOW);
		h = digest_new();
		assert(fd >= 0 && digest_fd(h, fd, digest) >= 0);
		digest_to_hex(digest, hex);
		assert(!strcmp(e->d_name, hex));
		digest_free(h);
		close(fd);
	}
	if (d)
		closedir(d);
}

static void
check_locks(const struct store *s)
{
	char text[64];

	assert(!lock_held(s->own, "lock", text, sizeof(text)));
	assert(!lock_held(s->own, "switch.lock", text, sizeof(text)));
	assert(!lock_held(s->own, "next.lock", text, sizeof(text)));
}

void
serve_check_locks(const char *root)
{
	struct error err = ERROR_INIT;
	struct store s;

	if (store_open(&s, root, "blog", false, NULL, &err) < 0)
		return;
	check_locks(&s);
	store_release(&s);
}

void
serve_check_store(const char *root)
{
	struct error err = ERROR_INIT;
	struct store s;

	if (store_open(&s, root, "blog", false, NULL, &err) < 0)
		return; /* it was removed */
	check_locks(&s);
	check_live(&s);
	check_tmp(&s);
	store_release(&s);
}
