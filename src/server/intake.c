#include "server/intake.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "server/intake_work.h"
#include "server/parts.h"
#include "server/writer.h"

/* A line number before the TAB at `end`. */
static int
parse_line(const char *s, const char *end, uint32_t *line)
{
	uint64_t n = 0;

	if (s == end || end - s > 10 || *s == '0')
		return -1;
	for (; s < end; s++) {
		if (!isdigit((unsigned char)*s))
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	*line = (uint32_t)n;
	return n > UINT32_MAX ? -1 : 0;
}

static int
amend(struct entry *old, const struct entry *e, struct error *err)
{
	if (e->type != ENTRY_FILE || old->type != ENTRY_FILE ||
		strcmp(e->path, old->path))
		return error_set(err, "amend: not the same file");
	old->mode = e->mode;
	old->size = e->size;
	memcpy(old->digest, e->digest, DIGEST_SIZE);
	old->chunks = NULL; /* their lines stay, until it is written anew */
	return 0;
}

int
intake_amend(struct manifest *m, const char *data, size_t len,
	struct intake_amended *what, struct error *err)
{
	const char *tab = len ? memchr(data, '\t', len) : NULL;
	struct manifest scratch = MANIFEST_INIT; /* its strings do not stay */
	struct entry e, *old = NULL;
	int rc;

	if (!tab || data[len - 1] != '\n')
		return error_set(err, "amend: malformed");
	if (parse_line(data, tab, &what->line) == 0)
		old = manifest_line(m, what->line);
	if (!old)
		return error_set(err, "amend: no such line");
	what->was = old->size;
	rc = manifest_parse_entry(&scratch, tab + 1,
		len - 1 - (size_t)(tab + 1 - data), &e, err);
	if (rc == 0)
		rc = amend(old, &e, err);
	manifest_release(&scratch);
	return rc;
}

int
intake_start(struct intake *in, const struct intake_options *o,
	struct error *err)
{
	int fds[2];

	memset(in, 0, sizeof(*in));
	in->fd = in->tmp = -1;
	in->text = memfd_create("manifest", MFD_CLOEXEC);
	if (in->text < 0)
		return error_errno(err, "cannot keep the manifest");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		error_errno(err, "socketpair");
		io_close(&in->text);
		return -1;
	}
	in->pid = fork();
	if (in->pid == 0) {
		process_default_signals();
		/*
		 * Nothing of the session stays: not the client's descriptors,
		 * nor the locks, which would outlive the session in here.
		 */
		process_close_all_but((int[]){ fds[1], in->text, o->tmp, 2 },
			4);
		process_exit(intake_work(o, fds[1], in->text));
	}
	io_close(&fds[1]);
	if (in->pid < 0) {
		in->pid = 0;
		error_errno(err, "fork");
		io_close(&fds[0]);
		io_close(&in->text);
		return -1;
	}
	in->fd = fds[0];
	in->tmp = fcntl(o->tmp, F_DUPFD_CLOEXEC, 0);
	in->reserve = o->reserve;
	channel_init(&in->channel, in->fd, in->fd, false, "the intake");
	return 0;
}

int
intake_ended(const struct intake *in, struct error *err)
{
	siginfo_t info = { 0 };

	/* One that has closed its end and lives on is up to no good. */
	kill(in->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)in->pid, &info, WEXITED | WNOWAIT);
	if (info.si_code != CLD_EXITED && info.si_status == SIGABRT)
		return error_status(err, STATUS_TRANSFER,
			"the intake process gave up: out of memory, or a bug");
	if (info.si_code == CLD_EXITED || info.si_status != SIGSYS)
		return error_status(err, STATUS_TRANSFER,
			"the intake process ended");
	error_status(err, STATUS_TRANSFER,
		"the intake process was stopped: it made a system call that "
		"is none of its own");
	return error_hint(err,
		"either what was sent is an attack, or this deployd and its "
		"libraries do not fit together: see `deployd doctor' there");
}

#ifdef COVERAGE
/* Only who ends by himself, as at the end of his input, counts what he did. */
static void
let_end(const struct intake *in)
{
	siginfo_t info = { 0 };
	int i;

	(void)shutdown(in->fd, SHUT_RDWR);
	for (i = 0; i < 100 && info.si_pid == 0; i++) {
		usleep(20000);
		(void)waitid(P_PID, (id_t)in->pid, &info,
			WEXITED | WNOHANG | WNOWAIT);
	}
}
#else
static void
let_end(const struct intake *in)
{
}
#endif

void
intake_stop(struct intake *in)
{
	char name[WRITER_NAME];

	if (in->pid > 0) {
		let_end(in);
		kill(in->pid, SIGKILL);
		process_wait(in->pid);
		writer_name(in->pid, name);
		if (in->failed)
			(void)unlinkat(in->tmp, name, 0);
		else
			parts_keep(in->tmp, name, in->reserve);
		channel_release(&in->channel);
		io_close(&in->fd);
		io_close(&in->text);
		io_close(&in->tmp);
	}
	memset(in, 0, sizeof(*in));
	in->fd = in->text = in->tmp = -1;
}
