/*
 * Sessions as those of fuzz_serve.c with a store that something has damaged.
 * Each line before the magic one spoils one entry of it, by its number in the
 * order of names, which goes round:
 *
 *	gone 7          there is nothing any more
 *	empty 7         it is an empty file
 *	cut 7           half of it is lost
 *	flip 7          a byte is another one
 *	text 7 TEXT     TEXT is all it says
 *	add 7 TEXT      it has one line more
 *	dir 7           it is a directory
 *	link 7          it leads to a file out of the store, out 7 to a directory
 *	mode 7          nobody may do anything with it
 *
 * The server says what it likes, but in a conversation; nothing outside was
 * touched, no lock or descriptor stays.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/rmtree.h"
#include "scratch.h"
#include "serve.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define APP SERVE_ROOT "/blog"
#define SPOILS_MOST 4
#define LINE_MOST 400
#define FILE_MOST 65536

static void
replace(const char *path, const void *data, size_t len)
{
	int fd;

	(void)rmtree_at(AT_FDCWD, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)io_write_full(fd, data, len);
	io_close(&fd);
}

static void
link_to(const char *path, const char *target)
{
	(void)rmtree_at(AT_FDCWD, path);
	if (symlink(target, path) < 0)
		return; /* what is above may be gone */
}

/* Changes what a file says. */
static void
change(const char *path, const char *how, const char *text)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	if (io_read_file(AT_FDCWD, path, FILE_MOST, &b, &err) == 0) {
		if (!strcmp(how, "cut"))
			buf_truncate(&b, b.len / 2);
		else if (!strcmp(how, "add"))
			buf_addf(&b, "%s\n", text);
		else if (b.len)
			b.data[b.len / 2] ^= 1;
		replace(path, b.data, b.len);
	}
	buf_release(&b);
}

static void
spoil(const char *how, const char *path, const char *text)
{
	if (!strcmp(how, "gone")) {
		(void)rmtree_at(AT_FDCWD, path);
	} else if (!strcmp(how, "empty")) {
		replace(path, "", 0);
	} else if (!strcmp(how, "text")) {
		replace(path, text, strlen(text));
	} else if (!strcmp(how, "dir")) {
		(void)rmtree_at(AT_FDCWD, path);
		(void)mkdir(path, 0700);
	} else if (!strcmp(how, "link")) {
		link_to(path, scratch_path("outside/file"));
	} else if (!strcmp(how, "out")) {
		link_to(path, scratch_path("outside"));
	} else if (!strcmp(how, "mode")) {
		(void)chmod(path, 0);
	} else if (!strcmp(how, "cut") || !strcmp(how, "flip") ||
		!strcmp(how, "add")) {
		change(path, how, text);
	}
}

/* Where a link that was made before leads, nothing is spoilt. */
static bool
is_inside(const char *name)
{
	static int dir = -1;
	struct stat st;

	if (dir < 0)
		dir = open(scratch_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return beneath_stat(dir, name, &st) == 0;
}

static void
spoil_line(const char *data, size_t len)
{
	static struct strv names;
	char line[LINE_MOST], how[8] = "";
	unsigned n = 0;
	int at = 0;

	if (!names.n)
		scratch_names(APP, &names);
	snprintf(line, sizeof(line), "%.*s", (int)len, data);
	if (sscanf(line, "%7s %u %n", how, &n, &at) < 2)
		return;
	n %= (unsigned)names.n;
	if (is_inside(names.v[n]))
		spoil(how, scratch_path(names.v[n]), line + at);
}

static bool
is_magic(const char *p, const char *end)
{
	const size_t len = strlen(PROTOCOL_MAGIC);

	return (size_t)(end - p) >= len && !memcmp(p, PROTOCOL_MAGIC, len);
}

/* Behind the lines that spoil. */
static const char *
spoil_all(const char *p, const char *end)
{
	const char *nl;
	int i;

	for (i = 0; i < SPOILS_MOST && !is_magic(p, end); i++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		spoil_line(p, (size_t)(nl - p));
		p = nl + 1;
	}
	return p;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct buf said = BUF_INIT;
	struct cook c;

	/* As in fuzz_serve.c. */
	if (!size || memmem(data, size, "\ncheck", 6))
		return 0;
	cook_init(&c, serve_live());
	p = spoil_all(p, end);
	cook(&c, p, (size_t)(end - p), &said);
	serve_spoilt(&said, &c);
	cook_release(&c);
	buf_release(&said);
	return 0;
}
