/*
 * A hostile server.
 *
 *	server DEPLOY MOST         runs the tables; MOST as in client.c
 *	server --serve             is one, for deploy
 */
#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS 20
#define WORDS_MOST 9
/* A link to this program. */
#define SELF "./peer"

static const char *deploy;
static long most_kib;

static void
load(const char *name, struct buf *out)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = 0;

	do {
		out->len += (size_t)n;
		n = fd < 0 ? 0 : read(fd, buf_reserve(out, 65536), 65536);
	} while (n > 0);
	if (out->data)
		out->data[out->len] = '\0';
	close(fd);
}

static void
save(const char *name, const struct buf *b)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, buf_str(b), b->len) != (ssize_t)b->len)
		abort();
	close(fd);
}

/* The peer itself: HOSTILE is where it finds what it is to say. */
static int
serve(void)
{
	const char *dir = getenv("HOSTILE");
	struct buf said = BUF_INIT, heard = BUF_INIT;
	char piece[65536];
	ssize_t n;

	if (!dir || chdir(dir) < 0)
		return 1;
	load("said", &said);
	while (said.len && (n = write(1, said.data, said.len)) > 0)
		buf_consume(&said, (size_t)n);
	/* It may be one socket for both. */
	(void)shutdown(1, SHUT_WR);
	close(1);
	while ((n = read(0, piece, sizeof(piece))) > 0)
		buf_add(&heard, piece, (size_t)n);
	save("heard", &heard);
	buf_release(&said);
	buf_release(&heard);
	return 0;
}

static void
write_said(const struct say *v)
{
	struct buf b = BUF_INIT;
	size_t i;

	if (v->type && !strcmp(v->type, RAW)) {
		buf_addstr(&b, v->payload);
		v++;
	} else {
		buf_addstr(&b, MAGIC);
		talk_line(&b, "hello", "version 1\nagent hostile\n");
	}
	for (i = 0; i < SAYS_MOST && v[i].type; i++)
		talk_line(&b, v[i].type, v[i].payload);
	save("said", &b);
	buf_release(&b);
}

/* The words of `deploy', with blanks between. */
static int
run(const char *words, struct buf *out, struct buf *errors, bool *ended,
	long *kib)
{
	char *copy = strdup(words), *save_at = NULL, *word;
	char *argv[WORDS_MOST + 5] = { (char *)deploy };
	struct child child;
	struct talk t = { .closing = true };
	size_t n = 1;
	int status;

	for (word = strtok_r(copy, " ", &save_at); word && n < WORDS_MOST;
		word = strtok_r(NULL, " ", &save_at)) {
		argv[n++] = word;
		if (n == 2)
			argv[n++] = (char *)"--deployd=" SELF;
	}
	child_start(&child, argv, "errors");
	*ended = child_talk(&child, &t, SECONDS * 1000);
	status = child_end(&child, kib);
	buf_add(out, buf_str(&t.in), t.in.len);
	load("errors", errors);
	buf_release(&t.in);
	buf_release(&t.out);
	free(copy);
	return status;
}

/* What content the client has sent, none of which was rightly asked for. */
static bool
sent_files(void)
{
	struct buf heard = BUF_INIT;
	struct heard f;
	size_t at = 0;
	bool sent = false;

	load("heard", &heard);
	while (talk_next(&heard, &at, &f))
		sent |= !strcmp(f.type, "files") && f.len > 0;
	buf_release(&heard);
	return sent;
}

static const char *
judge(int got, bool ended, long kib, const struct buf *out,
	const struct buf *errors, int status, const char *says,
	char why[static 2048])
{
	if (!ended)
		return "it did not end";
	if (got != status ||
		!(strstr(buf_str(errors), says) || strstr(buf_str(out), says)))
		snprintf(why, 2048, "exit %d: %.900s; wanted %d: %s", got,
			buf_str(errors), status, says);
	else if (kib > most_kib)
		snprintf(why, 2048, "it took %ld KiB", kib);
	else if (strpbrk(buf_str(errors), "\033\007\233") ||
		strpbrk(buf_str(out), "\033\007\233"))
		return "it printed a control character";
	else if (status == 6 && sent_files())
		return "it has sent content";
	else
		return NULL;
	why[strcspn(why, "\n")] = '\0';
	return why;
}

static void __attribute__((format(printf, 4, 0))) have(const char *words,
	int status, const char *says, const char *fmt, va_list ap)
{
	struct buf out = BUF_INIT, errors = BUF_INIT;
	char why[2048], name[256];
	bool ended;
	long kib;
	int got;

	if (!talk_next_case())
		return;
	unlink("heard");
	got = run(words, &out, &errors, &ended, &kib);
	vsnprintf(name, sizeof(name), fmt, ap);
	talk_result(name,
		judge(got, ended, kib, &out, &errors, status, says, why));
	buf_release(&out);
	buf_release(&errors);
}

void
against(const char *words, const struct say *v, int status, const char *says,
	const char *fmt, ...)
{
	va_list ap;

	write_said(v);
	va_start(ap, fmt);
	have(words, status, says, fmt, ap);
	va_end(ap);
}

void
against_bytes(const char *words, const struct buf *said, int status,
	const char *says, const char *fmt, ...)
{
	va_list ap;

	save("said", said);
	va_start(ap, fmt);
	have(words, status, says, fmt, ap);
	va_end(ap);
}

int
main(int argc, char **argv)
{
	char here[4096], self[4096];
	ssize_t n;

	if (argc > 2 && !strcmp(argv[1], MEASURE))
		return measure(argv + 2);
	if (argc > 1 && !strcmp(argv[1], "--serve"))
		return serve();
	if (argc < 3 || !getcwd(here, sizeof(here)))
		return 2;
	deploy = argv[1];
	most_kib = atol(argv[2]);
	setenv("HOSTILE", here, 1);
	unlink(SELF);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return 2;
	self[n] = '\0';
	if (symlink(self, SELF) < 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	server_states();
	server_ranges();
	server_texts();
	return 0;
}
