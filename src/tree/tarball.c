#include "tree/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#define BLOCK 512 /* of tar */
#define READ_SIZE (64 * 1024)
#define WAIT_MS 100
/* The first bytes, where git's header is: a block and what it announces. */
#define HEAD_SIZE (16 * BLOCK)

/*
 * Two readers of libarchive's, one behind the other, since a single one does
 * not show global headers: `raw` undoes the filter, `tar` reads what it gives.
 */
struct tarball {
	const char *name; /* for messages */
	int fd;
	bool (*stop)(void *arg);
	void *arg;
	struct archive *raw, *tar;
	struct buf head;
	uint64_t total;      /* bytes that raw gave */
	struct error failed; /* of a callback, which libarchive hides */
	bool has_failed;
	locale_t c, before;
	char in[READ_SIZE];
};

/* Waits for input in short steps, so that a signal in between is seen. */
static la_ssize_t
read_input(struct archive *a, void *arg, const void **data)
{
	struct tarball *t = arg;
	struct pollfd p = { t->fd, POLLIN, 0 };
	ssize_t n;

	for (;;) {
		if (t->stop && t->stop(t->arg)) {
			error_status(&t->failed, STATUS_INT, "interrupted");
			break;
		}
		if (poll(&p, 1, WAIT_MS) == 0)
			continue;
		n = read(t->fd, t->in, sizeof(t->in));
		*data = t->in;
		if (n >= 0)
			return n;
		if (errno == EINTR || errno == EAGAIN)
			continue;
		error_errno(&t->failed, "cannot read %s", t->name);
		break;
	}
	t->has_failed = true;
	archive_set_error(a, EIO, "%s", t->failed.text);
	return -1;
}

static int
fail(struct tarball *t, struct archive *a, struct error *err)
{
	const char *why = archive_error_string(a);

	if (t->has_failed) {
		*err = t->failed;
		return -1;
	}
	error_set(err, "%s is damaged or cut short: %s", t->name,
		why ? why : "it ends early");
	return error_hint(err, "make or fetch the archive again");
}

/* The next plain bytes, for `tar`. */
static la_ssize_t
give_plain(struct archive *a, void *arg, const void **data)
{
	struct tarball *t = arg;
	la_int64_t at;
	size_t len;
	int rc;

	do {
		rc = archive_read_data_block(t->raw, data, &len, &at);
		if (rc == ARCHIVE_EOF)
			return 0;
	} while (rc == ARCHIVE_OK && len == 0);
	if (rc != ARCHIVE_OK) {
		fail(t, t->raw, &t->failed);
		t->has_failed = true;
		archive_set_error(a, EIO, "%s", t->failed.text);
		return -1;
	}
	if (t->head.len < HEAD_SIZE)
		buf_add(&t->head, *data,
			len < HEAD_SIZE - t->head.len ?
				len :
				HEAD_SIZE - t->head.len);
	t->total += len;
	return (la_ssize_t)len;
}

static int
open_input(struct tarball *t, struct error *err)
{
	if (strcmp(t->name, "-") != 0) {
		t->fd = open(t->name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		return t->fd < 0 ? error_errno(err, "%s", t->name) : 0;
	}
	t->fd = STDIN_FILENO;
	t->name = "the archive on standard input";
	if (!isatty(t->fd))
		return 0;
	error_set(err, "standard input is a terminal, not an archive");
	return error_hint(err, "git archive HEAD | deploy --tar=- TARGET");
}

/* Those that warn are done by a program, where libarchive lacks a library. */
static int
open_raw(struct tarball *t, struct error *err)
{
	struct archive_entry *e;

	t->raw = archive_read_new();
	if (!t->raw)
		abort();
	archive_read_support_filter_gzip(t->raw);
	archive_read_support_filter_zstd(t->raw);
	archive_read_support_filter_xz(t->raw);
	archive_read_support_filter_bzip2(t->raw);
	archive_read_support_format_raw(t->raw);
	archive_read_support_format_empty(t->raw);
	if (archive_read_open(t->raw, t, NULL, read_input, NULL) != ARCHIVE_OK)
		return fail(t, t->raw, err);
	switch (archive_read_next_header(t->raw, &e)) {
	case ARCHIVE_OK:
		return 0;
	case ARCHIVE_EOF:
		return error_set(err, "%s is empty, no tar archive", t->name);
	default:
		return fail(t, t->raw, err);
	}
}

static int
open_tar(struct tarball *t, struct error *err)
{
	t->tar = archive_read_new();
	if (!t->tar || archive_read_support_format_tar(t->tar) != ARCHIVE_OK)
		abort();
	if (archive_read_open(t->tar, t, NULL, give_plain, NULL) == ARCHIVE_OK)
		return 0;
	if (t->has_failed)
		return fail(t, t->tar, err);
	return error_set(err, "%s is no tar archive", t->name);
}

struct tarball *
tarball_open(const char *name, bool (*stop)(void *arg), void *arg,
	struct error *err)
{
	struct tarball *t = mem_zalloc(1, sizeof(*t));

	t->name = name;
	t->stop = stop;
	t->arg = arg;
	t->fd = -1;
	t->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!t->c)
		abort();
	t->before = uselocale(t->c);
	if (open_input(t, err) == 0 && open_raw(t, err) == 0 &&
		open_tar(t, err) == 0)
		return t;
	tarball_close(t);
	return NULL;
}

void
tarball_close(struct tarball *t)
{
	if (!t)
		return;
	archive_read_free(t->tar);
	archive_read_free(t->raw);
	if (t->fd != STDIN_FILENO)
		io_close(&t->fd);
	buf_release(&t->head);
	uselocale(t->before);
	freelocale(t->c);
	free(t);
}

const char *
tarball_name(const struct tarball *t)
{
	return t->name;
}

/*
 * libarchive converts the names of pax headers from UTF-8 to the locale's
 * charset, and its reader has no hdrcharset=BINARY.  In the C locale that
 * fails for every name that is not ASCII, which is then left as the bytes
 * that it is: just what is wanted.  In a UTF-8 locale it would normalise
 * them.  Access lists are of no use to a release.
 */
static bool
is_harmless(const char *warning)
{
	return warning &&
		(strstr(warning, "can't be converted from UTF-8") ||
			strstr(warning, "SCHILY.acl"));
}

/* The body of the global header at the start, or "" with *len 0. */
static const char *
global_header(const struct tarball *t, size_t *len)
{
	const char *h = buf_str(&t->head);
	size_t size, i;

	*len = 0;
	if (t->head.len < BLOCK || memcmp(h + 257, "ustar", 5) != 0 ||
		h[156] != 'g')
		return "";
	for (size = 0, i = 124; i < 135 && h[i] >= '0' && h[i] <= '7'; i++)
		size = size * 8 + (size_t)(h[i] - '0');
	if (size > t->head.len - BLOCK)
		return "";
	*len = size;
	return h + BLOCK;
}

/*
 * A tar that is cut where a member ends looks whole but for its end mark, a
 * block of zeros, which libarchive does without.
 */
static bool
has_end_mark(struct tarball *t)
{
	uint64_t at = (uint64_t)archive_read_header_position(t->tar);
	size_t len;

	global_header(t, &len);
	if (at == 0 && len)
		at = BLOCK + (len + BLOCK - 1) / BLOCK * BLOCK;
	return t->total >= at + BLOCK;
}

/* Reads what is behind the end: a checksum, and what a pipe still holds. */
static int
finish(struct tarball *t, struct error *err)
{
	const void *data;
	la_ssize_t n;

	do {
		n = give_plain(t->tar, t, &data);
	} while (n > 0);
	if (n < 0)
		return fail(t, t->tar, err);
	archive_clear_error(t->tar);
	return has_end_mark(t) ? 0 : fail(t, t->tar, err);
}

int
tarball_next(struct tarball *t, struct archive_entry **e, struct error *err)
{
	int rc = archive_read_next_header(t->tar, e);

	if (rc == ARCHIVE_OK ||
		(rc == ARCHIVE_WARN &&
			is_harmless(archive_error_string(t->tar))))
		return 1;
	return rc == ARCHIVE_EOF ? finish(t, err) : fail(t, t->tar, err);
}

int
tarball_data(struct tarball *t, const void **data, size_t *len, uint64_t *at,
	struct error *err)
{
	la_int64_t offset = 0;
	int rc = archive_read_data_block(t->tar, data, len, &offset);

	*at = (uint64_t)offset;
	if (rc == ARCHIVE_OK)
		return 1;
	return rc == ARCHIVE_EOF ? 0 : fail(t, t->tar, err);
}

/* The value of a record `LENGTH key=value LF`, if that is its key. */
static const char *
record_value(const char *record, size_t len, const char *key, size_t *value_len)
{
	const char *space = memchr(record, ' ', len);
	size_t skip = space ? (size_t)(space - record) + 1 + strlen(key) : len;

	if (skip >= len || strncmp(space + 1, key, strlen(key)) != 0)
		return NULL;
	*value_len = len - skip - 1;
	return record + skip;
}

static bool
is_commit(const char *s, size_t len)
{
	/* SHA-1 or SHA-256. */
	return (len == 40 || len == 64) && strspn(s, "0123456789abcdef") == len;
}

char *
tarball_commit(const struct tarball *t)
{
	size_t len, n, value_len;
	const char *at = global_header(t, &len), *value;

	for (; len; at += n, len -= n) {
		n = strtoul(at, NULL, 10);
		if (n == 0 || n > len || at[n - 1] != '\n')
			break;
		value = record_value(at, n, "comment=", &value_len);
		if (value && is_commit(value, value_len))
			return mem_strndup(value, value_len);
	}
	return NULL;
}
