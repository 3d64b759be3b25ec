/*
 * The verb fetch: the tree of a release, made a tar archive here.  The server
 * sends its manifest and then the bytes of its files, in the manifest's
 * order; each is verified as it passes.  An archive that is not whole lacks
 * its end mark, and with -O does not come to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "base/zstream.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"
#include "tree/manifest.h"
#include "tree/tarout.h"

#define WINDOW_LOG 23
/* A server shall not fill memory: deployd's own limit is below this. */
#define ENTRIES_MOST 2000000
#define TEXT_MOST (1ULL << 30)

struct fetch {
	const char *name; /* -O, or NULL */
	char *temporary;  /* what it is written as, or NULL */
	int fd;
	struct sink *sink;
	struct msg_release release;
	bool told; /* the release was */
	struct manifest m;
	struct manifest_reader reader;
	struct zin *text, *bytes;
	struct tarout *tar; /* once the manifest is there */
	struct digest *digest;
	size_t at;     /* the entry whose bytes come */
	uint64_t left; /* of it */
	bool force;
	uint64_t files, size;
};

static int
write_piece(void *arg, const void *data, size_t len, struct error *err)
{
	struct fetch *f = arg;

	if (!f->sink)
		f->sink = sink_open(f->fd, f->name ? f->name : "the archive");
	return sink_add(f->sink, data, len, err);
}

static int
verify(struct fetch *f, struct error *err)
{
	const struct entry *e = &f->m.v[f->at];
	uint8_t found[DIGEST_SIZE];

	digest_final(f->digest, found);
	if (!memcmp(found, e->digest, DIGEST_SIZE))
		return 0;
	if (f->force) {
		log_warn("%s was altered on the server; it is taken as it is",
			e->path);
		return 0;
	}
	error_status(err, STATUS_REFUSED,
		"%s was altered on the server since it was deployed", e->path);
	return error_hint(err, "--force takes it as it is");
}

static int
put_entry(struct fetch *f, struct error *err)
{
	const struct entry *e = &f->m.v[f->at];
	struct tarout_entry t = { .path = e->path,
		.target = e->target,
		.mode = e->mode,
		.size = e->size,
		.time = (int64_t)f->release.created };

	if (e->type == ENTRY_DIRECTORY)
		t.mode |= S_IFDIR;
	else if (e->type == ENTRY_LINK)
		t.mode = S_IFLNK | 0777;
	else
		t.mode |= S_IFREG;
	f->files += e->type == ENTRY_FILE;
	f->left = e->type == ENTRY_FILE ? e->size : 0;
	f->size += f->left;
	return tarout_entry(f->tar, &t, err);
}

/* Up to the next file that has bytes; those without are verified here. */
static int
put_entries(struct fetch *f, struct error *err)
{
	for (; f->at < f->m.n; f->at++) {
		if (put_entry(f, err) < 0)
			return -1;
		if (f->left)
			return 0;
		if (f->m.v[f->at].type == ENTRY_FILE && verify(f, err) < 0)
			return -1;
	}
	return 0;
}

static int
put_bytes(struct fetch *f, const char *data, size_t len, struct error *err)
{
	while (len) {
		size_t n = len < f->left ? len : (size_t)f->left;

		if (n == 0)
			return error_status(err, STATUS_TRANSFER,
				"the server sent more than the release has");
		if (tarout_data(f->tar, data, n, err) < 0)
			return -1;
		digest_update(f->digest, data, n);
		data += n;
		len -= n;
		f->left -= n;
		if (f->left)
			continue;
		if (verify(f, err) < 0)
			return -1;
		f->at++;
		if (put_entries(f, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether `word', an ID, the beginning or the end of one, is this. */
static bool
is_meant(const char *word, const char *id)
{
	size_t len = strlen(word), all = strlen(id);

	return !strncmp(id, word, len) ||
		(len < all && !strcmp(id + all - len, word));
}

/* A server cannot pass off one release as another. */
static int
take_release(struct fetch *f, const char *word, const struct frame *in,
	struct error *err)
{
	const struct msg_release *r = &f->release;

	if (MESSAGE_READ(release, in, &f->release, err) < 0)
		return -1;
	f->told = true;
	if (r->id && r->tree && path_is_release_of(r->id, r->tree) &&
		is_meant(word, r->id))
		return 0;
	return error_status(err, STATUS_TRANSFER,
		"the server sent another release than %s", word);
}

/* The tree is the one whose beginning the ID ends with. */
static int
begin_archive(struct fetch *f, struct error *err)
{
	char hex[DIGEST_HEX + 1];
	const char *tree = f->release.tree;

	digest_to_hex(f->m.id, hex);
	if (!f->force && (!tree || strcmp(tree, hex)))
		return error_status(err, STATUS_TRANSFER,
			"the server sent another tree than that of %s",
			f->release.id ? f->release.id : "the release");
	f->tar = tarout_new(write_piece, f);
	return put_entries(f, err);
}

static int
take_text(struct fetch *f, const struct frame *in, struct error *err)
{
	char plain[65536];
	size_t used = 0;
	long n;

	do {
		n = zin_read(f->text, in->data, in->len, &used, plain,
			sizeof(plain), err);
		if (n < 0 ||
			manifest_reader_add(&f->reader, plain, (size_t)n, err) <
				0)
			return -1;
	} while (used < in->len || n == sizeof(plain));
	return f->reader.ended && !f->tar ? begin_archive(f, err) : 0;
}

static int
take_bytes(struct fetch *f, const struct frame *in, struct error *err)
{
	char plain[65536];
	size_t used = 0;
	long n;

	if (!f->tar)
		return error_status(err, STATUS_TRANSFER,
			"the server sent files before their manifest");
	do {
		n = zin_read(f->bytes, in->data, in->len, &used, plain,
			sizeof(plain), err);
		if (n < 0 || put_bytes(f, plain, (size_t)n, err) < 0)
			return -1;
	} while (used < in->len || n == sizeof(plain));
	return 0;
}

static int
take(struct ask *a, const struct frame *in, struct error *err)
{
	struct fetch *f = a->arg;

	if (!strcmp(in->type, "manifest") && f->told) {
		if (take_text(f, in, err) == 0)
			return 0;
		/* It is no fault of ours. */
		if (!f->tar)
			err->status = STATUS_TRANSFER;
		return -1;
	}
	if (!strcmp(in->type, "files"))
		return take_bytes(f, in, err);
	if (!strcmp(in->type, "release") && !f->told)
		return take_release(f, a->release, in, err);
	if (strcmp(in->type, ".note") != 0)
		return ask_unexpected(in, err);
	log_warn("%.*s", (int)in->len, in->data);
	return 0;
}

/* Beside the file, so that it comes to be at once and whole, or not. */
static int
open_output(struct fetch *f, struct error *err)
{
	struct stat st;

	if (!f->name) {
		if (isatty(STDOUT_FILENO)) {
			error_status(err, STATUS_USAGE,
				"an archive is not for a terminal");
			return error_hint(err, "-O FILE, or a pipe");
		}
		f->fd = STDOUT_FILENO;
		return 0;
	}
	/* A fifo, or /dev/null. */
	if (stat(f->name, &st) == 0 && !S_ISREG(st.st_mode)) {
		f->fd = open(f->name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		return f->fd < 0 ? error_errno(err, "%s", f->name) : 0;
	}
	f->temporary = mem_printf("%s.%ld.tmp", f->name, (long)getpid());
	(void)unlink(f->temporary);
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		0666);
	if (f->fd >= 0)
		return 0;
	free(f->temporary);
	f->temporary = NULL;
	return error_errno(err, "cannot write %s", f->name);
}

static int
close_sink(struct fetch *f, struct error *err)
{
	int rc = sink_close(f->sink, err);

	f->sink = NULL;
	return rc;
}

static int
end_archive(struct fetch *f, struct error *err)
{
	if (!f->tar || f->at < f->m.n || f->left)
		return error_status(err, STATUS_TRANSFER,
			"the server did not send all of the release");
	if (tarout_end(f->tar, err) < 0 || close_sink(f, err) < 0)
		return -1;
	if (!f->temporary)
		return 0;
	if (fsync(f->fd) < 0 || rename(f->temporary, f->name) < 0)
		return error_errno(err, "cannot write %s", f->name);
	free(f->temporary);
	f->temporary = NULL;
	return 0;
}

static void
tell(const struct ask *a, const struct fetch *f)
{
	struct buf b = BUF_INIT;
	char hex[DIGEST_HEX + 1];

	digest_to_hex(f->m.id, hex);
	report_count(&b, f->files);
	buf_addf(&b, " file%s, ", f->files == 1 ? "" : "s");
	report_bytes(&b, f->size);
	log_info("fetched %s: %s%s%s", f->release.id ? f->release.id : "",
		b.data, f->name ? ", in " : "", f->name ? f->name : "");
	report_event("fetched", "release", "s", f->release.id, "tree", "s", hex,
		"files", "i", (int64_t)f->files, "bytes", "i", (int64_t)f->size,
		"output", "s", f->name, NULL);
	buf_release(&b);
}

static void
fetch_release(struct fetch *f)
{
	struct error ignored = ERROR_INIT;

	(void)close_sink(f, &ignored);
	if (f->temporary)
		(void)unlink(f->temporary);
	free(f->temporary);
	if (f->fd != STDOUT_FILENO)
		io_close(&f->fd);
	tarout_free(f->tar);
	zin_free(f->text);
	zin_free(f->bytes);
	digest_free(f->digest);
	manifest_reader_release(&f->reader);
	manifest_release(&f->m);
	MESSAGE_RELEASE(release, &f->release);
}

int
verb_fetch(struct options *o, struct error *err)
{
	struct fetch f = { .name = o->output,
		.fd = -1,
		.m = MANIFEST_INIT,
		.force = o->force };
	struct ask a = { .verb = "fetch",
		.needs_release = true,
		.single = true,
		.take = take,
		.sink = &f.sink,
		.arg = &f };
	int rc;

	if (f.name && !strcmp(f.name, "-"))
		f.name = NULL;
	if (!f.name && o->json) {
		error_status(err, STATUS_USAGE,
			"with --json, fetch needs -O FILE");
		return STATUS_USAGE;
	}
	f.text = zin_new(WINDOW_LOG);
	f.bytes = zin_new(WINDOW_LOG);
	f.digest = digest_new();
	manifest_reader_init(&f.reader, &f.m, NULL, ENTRIES_MOST);
	f.reader.most_bytes = TEXT_MOST;
	rc = open_output(&f, err) < 0 ? (int)err->status : ask_run(&a, o, err);
	if (rc == 0)
		rc = end_archive(&f, err) < 0 ? (int)err->status : 0;
	if (rc == 0)
		tell(&a, &f);
	fetch_release(&f);
	return rc;
}
