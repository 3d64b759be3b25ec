/*
 * transport-cat [options] [USER@]HOST: standard input goes through a
 * transport, what comes back to standard output; then a line of the report
 * on standard error.  Exits with the error's status, else with 0.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/transport.h"

static enum transport_kind
kind_of(const char *name)
{
	static const char *const names[] = { "auto", "libssh2", "openssh",
		"local" };
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return (enum transport_kind)i;
	exit(STATUS_USAGE);
}

static void
parse(int argc, char **argv, struct transport_options *o, int *abort_ms,
	bool *slow, int *branches)
{
	int c;

	while ((c = getopt(argc, argv, "vk:F:i:o:p:J:d:c:a:T:46x:sb:")) != -1) {
		switch (c) {
		case 'v':
			log_set_level(log_level() + 1);
			break;
		case 'k':
			o->kind = kind_of(optarg);
			break;
		case 'F':
			o->config = optarg;
			break;
		case 'i':
			strv_add(&o->identities, optarg);
			break;
		case 'o':
			strv_add(&o->settings, optarg);
			break;
		case 'p':
			o->port = atoi(optarg);
			break;
		case 'J':
			o->jump = optarg;
			break;
		case 'd':
			o->deployd = optarg;
			break;
		case 'c':
			o->connect_timeout = atoi(optarg);
			break;
		case 'a':
			o->alive_timeout = atoi(optarg);
			break;
		case 'T':
			o->total_timeout = atoi(optarg);
			break;
		case '4':
			o->family = AF_INET;
			break;
		case '6':
			o->family = AF_INET6;
			break;
		case 'x': /* gives up so many milliseconds after a first byte */
			*abort_ms = atoi(optarg);
			break;
		case 's': /* reads nothing before all is written */
			*slow = true;
			break;
		case 'b': /* so many branches, when the first byte came */
			*branches = atoi(optarg);
			break;
		default:
			exit(STATUS_USAGE);
		}
	}
	if (optind < argc) {
		char *at = strrchr(argv[optind], '@');

		o->host = at ? at + 1 : argv[optind];
		if (at) {
			*at = '\0';
			o->user = argv[optind];
		}
	}
}

#define BRANCHES_MOST 16
#define ECHOED (512 * 1024)

/* Writes a pattern and reads it back, as the remote cat has it. */
static void *
echo_branch(void *arg)
{
	int fd = *(int *)arg;
	struct buf up = BUF_INIT, down = BUF_INIT;
	size_t i, sent = 0;
	bool same = false;

	for (i = 0; i < ECHOED; i++)
		buf_addch(&up, (char)((size_t)fd + i * 7 + i / 997));
	while (down.len < up.len) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;

		if (sent < up.len)
			p.events |= POLLOUT;
		(void)poll(&p, 1, -1);
		if (p.revents & POLLOUT) {
			n = send(fd, up.data + sent, up.len - sent,
				MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & (POLLIN | POLLHUP)) {
			n = io_read_some(fd, &down, 65536);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				break;
		}
	}
	same = down.len == up.len && !memcmp(up.data, down.data, up.len);
	buf_release(&up);
	buf_release(&down);
	close(fd);
	return same ? arg : NULL;
}

/* All at once; then a line that tells how many were echoed. */
static void
try_branches(struct transport *t, int n)
{
	pthread_t threads[BRANCHES_MOST];
	int fds[BRANCHES_MOST], i, opened = 0, well = 0;

	for (i = 0; i < n && i < BRANCHES_MOST; i++) {
		fds[opened] = transport_branch(t);
		if (fds[opened] >= 0 &&
			pthread_create(&threads[opened], NULL, echo_branch,
				&fds[opened]) == 0)
			opened++;
	}
	for (i = 0; i < opened; i++) {
		void *rc = NULL;

		pthread_join(threads[i], &rc);
		well += rc != NULL;
	}
	fprintf(stderr, "branches: %d opened, %d echoed\n", opened, well);
}

/* Copies until the peer's end; true if it was cut short. */
static bool
copy(struct transport *t, int abort_ms, bool slow, int branches)
{
	int fd = transport_fd(t), in = STDIN_FILENO;
	struct buf up = BUF_INIT, down = BUF_INIT;
	bool ended = false, aborted = false;
	int64_t start = 0;

	while (!ended) {
		struct pollfd p[2] = { { fd, 0, 0 },
			{ up.len > 65536 ? -1 : in, POLLIN, 0 } };

		if (!slow || in < 0)
			p[0].events |= POLLIN;
		if (up.len)
			p[0].events |= POLLOUT;
		(void)poll(p, 2, abort_ms || branches ? 20 : -1);
		if (start && abort_ms && io_now_ms() - start > abort_ms) {
			transport_abort(t);
			aborted = true;
			break;
		}
		if (p[1].revents && io_read_some(in, &up, 65536) <= 0)
			in = -1;
		while (up.len) {
			ssize_t n = send(fd, up.data, up.len, MSG_NOSIGNAL);

			if (n < 0) {
				if (errno != EAGAIN)
					buf_clear(&up);
				break;
			}
			buf_consume(&up, (size_t)n);
		}
		if (in < 0 && !up.len && (!branches || start))
			(void)shutdown(fd, SHUT_WR);
		if (p[0].revents & (POLLIN | POLLHUP)) {
			ssize_t n = io_read_some(fd, &down, 65536);

			if (!start && branches)
				try_branches(t, branches);
			if (!start)
				start = io_now_ms();
			ended = n == 0 || (n < 0 && errno != EAGAIN);
			(void)io_write_full(STDOUT_FILENO, down.data, down.len);
			buf_clear(&down);
		}
	}
	buf_release(&up);
	buf_release(&down);
	return aborted;
}

int
main(int argc, char **argv)
{
	struct transport_options o = { .kind = TRANSPORT_AUTO };
	struct transport_report r = { .exit_status = -1 };
	struct error err = ERROR_INIT;
	int abort_ms = 0, branches = 0, rc;
	bool slow = false;
	struct transport *t;

	parse(argc, argv, &o, &abort_ms, &slow, &branches);
	t = transport_open(&o);
	(void)copy(t, abort_ms, slow, branches);
	rc = transport_close(t, &r, &err);
	if (rc < 0)
		log_error("transport-cat", &err);
	fprintf(stderr,
		"report: rc=%d kind=%s exit=%d sent=%llu received=%llu "
		"connected=%d keys=%d authenticated=%d exec=%d errors=%s\n",
		rc, r.kind, r.exit_status, (unsigned long long)r.sent,
		(unsigned long long)r.received, r.connected_ms, r.keys_ms,
		r.authenticated_ms, r.exec_ms, r.errors);
	strv_release(&o.identities);
	strv_release(&o.settings);
	return rc < 0 ? (int)err.status : 0;
}
