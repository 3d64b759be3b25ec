/*
 * The intake against what a client sends, after cook.h: manifest, need, offer,
 * part, amend and files in any order and form.  Whatever it was, tmp/ holds
 * nothing but files under the names of their hashes, with a mode that an entry
 * may have; what was reported was asked for, and is there.
 *
 * What begins with a manifest brings its own; for the rest there is one of
 * files a, b, d/d and e as they come, and z in two chunks.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/zstream.h"
#include "cook.h"
#include "inside.h"
#include "scratch.h"
#include "server/intake.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWN \
	">manifest\n" \
	"f\t644\t@\ta\n" \
	"f\t755\t@\tb\n" \
	"d\t755\td\n" \
	"f\t644\t@\td/d\n" \
	"f\t644\t@\te\n" \
	"f\t644\t13\t" HELLO_WORLD "\tz\n" \
	"c\t6\t" HELLO "\n" \
	"c\t7\t" WORLD "\n" \
	"end\t@\n"
/* "hello\n", "worlds\n" and both. */
#define HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define WORLD "8155f0e0ef671feaa2df0362794ba78fc554b8c7b05c57ddc8642fa510e43838"
#define HELLO_WORLD \
	"79008a2ca59322527202b28fc31ea30acc5f675867bd5d5d3ed4de047e4aa060"

/* What was asked for so far, as far as there is room. */
struct job {
	struct intake in;
	struct ranges asked[64];
	size_t n_asked;
	bool failed;
};

static void
note_asked(struct job *j, const struct frame *f)
{
	struct error err = ERROR_INIT;

	/* What is malformed is partly read. */
	if (j->n_asked < 64)
		(void)ranges_read(&j->asked[j->n_asked++], f->data, f->len,
			UINT32_MAX, &err);
}

static bool
was_asked(const struct job *j, uint32_t line)
{
	size_t i;

	for (i = 0; i < j->n_asked; i++)
		if (ranges_has(&j->asked[i], line))
			return true;
	return j->n_asked == 64;
}

/* A file that is wrong in place of its chunks, which stand behind it. */
static bool
is_instead(const struct job *j, uint32_t line)
{
	size_t i;

	for (i = 0; i < j->n_asked; i++) {
		const struct ranges *r = &j->asked[i];

		if (r->n && r->v[r->n - 1].last > line)
			return true;
	}
	return false;
}

static void
hear(struct job *j, const struct frame *f)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	struct error err = ERROR_INIT;
	uint32_t line;

	assert(!j->failed);
	if (!strcmp(f->type, "fail")) {
		j->failed = true;
		return;
	}
	if (!strcmp(f->type, "read"))
		return;
	assert(!strcmp(f->type, "got") || !strcmp(f->type, "bad"));
	assert(ranges_read(&r, f->data, f->len, UINT32_MAX, &err) == 0 && r.n);
	while (j->n_asked < 64 && ranges_next(&r, &at, &line))
		assert(was_asked(j, line) || is_instead(j, line));
	/* What is bad is expected once more. */
	if (!strcmp(f->type, "bad"))
		note_asked(j, f);
	ranges_release(&r);
}

/* Until all is said that was queued, or to the end. */
static void
turn(struct job *j, bool end)
{
	struct channel *c = &j->in.channel;
	struct error err = ERROR_INIT;
	struct frame f;
	int rc;

	while (!c->eof && !c->broken && (end || c->tx.len)) {
		struct pollfd p = { c->in, POLLIN, 0 };

		if (c->tx.len)
			p.events |= POLLOUT;
		else
			(void)shutdown(c->in, SHUT_WR);
		(void)poll(&p, 1, -1);
		assert(channel_pump(c, p.revents & ~POLLOUT,
			       p.revents & POLLOUT, &err) == 0);
		while ((rc = channel_next(c, &f, &err)) > 0)
			hear(j, &f);
		assert(rc == 0);
	}
}

/* A mode that no entry of 644 or 755 has. */
static bool
is_odd(mode_t mode)
{
	return mode & ~(mode_t)0755;
}

static void
check_file(int tmp, const char *name)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];
	struct digest *d = digest_new();
	struct stat st;
	int fd = openat(tmp, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	assert(fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	assert(digest_fd(d, fd, digest) == st.st_size);
	digest_to_hex(digest, hex);
	assert(!strcmp(name, hex) && !is_odd(st.st_mode & 07777));
	digest_free(d);
	close(fd);
	unlinkat(tmp, name, 0);
}

static void
check_tmp(int tmp, bool failed)
{
	DIR *d = fdopendir(openat(tmp, ".", O_RDONLY | O_CLOEXEC));
	struct dirent *e;

	while ((e = readdir(d)))
		if (failed && !strncmp(e->d_name, "in.", 3))
			unlinkat(tmp, e->d_name, 0);
		else if (e->d_name[0] != '.')
			check_file(tmp, e->d_name);
	closedir(d);
}

static void
say(struct job *j, const struct buf *said)
{
	struct error err = ERROR_INIT;
	const char *p = said->data;
	size_t left = said->len;
	struct frame f;
	long n;

	/* The session parses frames: what is none does not get here. */
	while (left && (n = frame_parse(p, left, &f, &err)) > 0) {
		if (!strcmp(f.type, "need") || !strcmp(f.type, "offer") ||
			!strcmp(f.type, "part"))
			note_asked(j, &f);
		channel_send(&j->in.channel, f.type, f.data, f.len);
		p += n;
		left -= (size_t)n;
		if (j->in.channel.tx.len > 65536)
			turn(j, false);
	}
	turn(j, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int tmp = -1;
	struct intake_options o = { .most_entries = 1000,
		.most_file_size = 1 << 20,
		.most_manifest = 1 << 20,
		.umask = 022 };
	struct job j = { .failed = false };
	struct error err = ERROR_INIT;
	struct buf input = BUF_INIT, said = BUF_INIT;
	struct cook c;
	size_t i;

	if (tmp < 0)
		tmp = open(scratch_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o.tmp = tmp;
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	if (size < 9 || memcmp(data, ">manifest", 9) != 0)
		buf_addstr(&input, OWN);
	buf_add(&input, data, size);
	cook_init(&c, NULL);
	cook(&c, input.data, input.len, &said);
	assert(intake_start(&j.in, &o, &err) == 0);
	say(&j, &said);
	intake_stop(&j.in);
	check_tmp(tmp, j.failed);
	for (i = 0; i < j.n_asked; i++)
		ranges_release(&j.asked[i]);
	cook_release(&c);
	buf_release(&input);
	buf_release(&said);
	return 0;
}
