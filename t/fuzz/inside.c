#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/background.h"
#include "base/process.h"

/*
 * The sources themselves, with these names for what a thread must not do.  A
 * writer's own file has the number of its process in its name.
 */
static _Noreturn void inside_exit(int status);
static pid_t inside_number(void);
#define process_exit(status) inside_exit(status)
#define umask(mask) ((void)0)
#define getpid() inside_number()
#define intake_start process_intake_start
#define intake_ended process_intake_ended
#define intake_stop process_intake_stop
#include "server/intake.c"
#undef intake_start
#undef intake_ended
#undef intake_stop
#include "server/intake_work.c"
#include "server/writer.c"
#undef process_exit

/* By the number of the session's end of the socket. */
#define INSIDE_FDS 256

struct inside {
	pthread_t thread;
	struct intake_options o;
	struct manifest base, manifest; /* copies, as a process has them */
	int session;                    /* the other end's number */
	int fd, text;
	struct worker w;
	atomic_bool waits; /* in poll() */
	atomic_bool over;
};

static struct inside *insides[INSIDE_FDS];
static _Thread_local struct inside *me;
static inside_idle_fn *on_idle;
static void *idle_arg;
static pthread_t session_thread;

int intake_start(struct intake *in, const struct intake_options *o,
	struct error *err);
int intake_ended(const struct intake *in, struct error *err);
void intake_stop(struct intake *in);
pid_t fork(void);

/* That of a writer which cannot write, and nothing may stop it here. */
static _Noreturn void
inside_exit(int status)
{
	abort();
}

static pid_t
inside_number(void)
{
	static atomic_int next;

	return ++next;
}

/* What nobody waits for is waited for. */
void
background_run(void (*body)(void *arg), void *arg, const int *keep, int n)
{
	body(arg);
}

pid_t
fork(void)
{
	errno = EAGAIN;
	return -1;
}

int
intake_confine_files(const struct intake_options *o, struct error *err)
{
	return 0;
}

int
intake_confine_calls(const struct intake_options *o, struct error *err)
{
	return 0;
}

static void
copy_manifest(struct manifest *to, const struct manifest *from)
{
	size_t i;

	memset(to, 0, sizeof(*to));
	to->v = mem_zalloc(from->n + 1, sizeof(*to->v));
	to->n = to->cap = from->n;
	to->lines = from->lines;
	memcpy(to->id, from->id, DIGEST_SIZE);
	for (i = 0; i < from->n; i++) {
		const struct entry *e = &from->v[i];
		struct entry *copy = &to->v[i];

		*copy = *e;
		copy->path = arena_strndup(&to->arena, e->path,
			strlen(e->path));
		if (e->type == ENTRY_LINK)
			copy->target = arena_strndup(&to->arena, e->target,
				strlen(e->target));
		else if (e->chunks)
			copy->chunks = manifest_add_chunks(to, e->chunks);
	}
}

static void
tidy(struct inside *in)
{
	struct worker *w = &in->w;

	channel_release(&w->channel);
	pthread_mutex_destroy(&w->speech);
	manifest_release(&w->m);
	manifest_release(&in->base);
	manifest_reader_release(&w->reader);
	zin_free(w->z);
	unpack_free(w->unpack);
	ranges_release(&w->held);
	buf_release(&w->files);
	buf_release(&w->ahead);
	free(w->expected);
	free(w->instead);
	io_close(&in->o.tmp);
	io_close(&in->text);
	io_close(&in->fd);
}

static void *
run_inside(void *arg)
{
	struct inside *in = me = arg;
	struct error err = ERROR_INIT;

	if (work(&in->w, &err) < 0) {
		say_failure(&in->w, &err);
		pthread_mutex_unlock(&in->w.speech);
	}
	tidy(in);
	in->over = true;
	return NULL;
}

static int
dup_fd(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void
begin(struct inside *in, const struct intake_options *o, int fd, int text)
{
	in->o = *o;
	in->o.tmp = dup_fd(o->tmp);
	if (o->base) {
		copy_manifest(&in->base, o->base);
		in->o.base = &in->base;
	}
	if (o->manifest) {
		copy_manifest(&in->manifest, o->manifest);
		in->o.manifest = &in->manifest;
	}
	in->fd = fd;
	in->text = dup_fd(text);
	in->w.o = &in->o;
	in->w.text = in->text;
	pthread_mutex_init(&in->w.speech, NULL);
	channel_init(&in->w.channel, fd, fd, false, "the session");
	if (pthread_create(&in->thread, NULL, run_inside, in) != 0)
		abort();
}

int
intake_start(struct intake *in, const struct intake_options *o,
	struct error *err)
{
	struct inside *inside = mem_zalloc(1, sizeof(*inside));
	int fds[2];

	memset(in, 0, sizeof(*in));
	in->text = memfd_create("manifest", MFD_CLOEXEC);
	if (in->text < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
		fds[0] >= INSIDE_FDS)
		abort();
	in->pid = 1; /* there is one */
	in->fd = inside->session = fds[0];
	channel_init(&in->channel, in->fd, in->fd, false, "the intake");
	insides[in->fd] = inside;
	begin(inside, o, fds[1], in->text);
	return 0;
}

int
intake_ended(const struct intake *in, struct error *err)
{
	return error_status(err, STATUS_TRANSFER, "the intake process ended");
}

void
intake_stop(struct intake *in)
{
	if (in->pid > 0) {
		struct inside *inside = insides[in->fd];

		(void)shutdown(in->fd, SHUT_RDWR);
		pthread_join(inside->thread, NULL);
		insides[in->fd] = NULL;
		free(inside);
		channel_release(&in->channel);
		io_close(&in->fd);
		io_close(&in->text);
	}
	memset(in, 0, sizeof(*in));
	in->fd = in->text = -1;
}

void
inside_on_idle(inside_idle_fn *fn, void *arg)
{
	on_idle = fn;
	idle_arg = arg;
	session_thread = pthread_self();
}

static bool
writes(struct writer *w)
{
	bool is;

	if (!w)
		return false;
	pthread_mutex_lock(&w->mutex);
	is = w->put != w->done;
	pthread_mutex_unlock(&w->mutex);
	return is;
}

/* First whether all was read, for it reads before it waits again. */
static bool
is_idle(struct inside *in)
{
	int unread = 0;

	if (in->over)
		return true;
	return ioctl(in->session, SIOCOUTQ, &unread) == 0 && unread == 0 &&
		in->waits && !writes(in->w.writer);
}

static bool
all_idle(void)
{
	size_t i;

	for (i = 0; i < INSIDE_FDS; i++)
		if (insides[i] && !is_idle(insides[i]))
			return false;
	return true;
}

static int
poll_for(struct pollfd *fds, nfds_t n, const struct timespec *t)
{
	struct timespec copy = t ? *t : (struct timespec){ 0, 0 };

	return (int)syscall(SYS_ppoll, fds, n, t ? &copy : NULL, NULL, 0);
}

static int
real_poll(struct pollfd *fds, nfds_t n, int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	return poll_for(fds, n, ms < 0 ? NULL : &t);
}

static int
poll_inside(struct pollfd *fds, nfds_t n, int ms)
{
	int rc;

	me->waits = true;
	rc = real_poll(fds, n, ms);
	me->waits = false;
	return rc;
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	static const struct timespec none, soon = { 0, 50 * 1000 };
	int rc;

	if (me)
		return poll_inside(fds, n, ms);
	if (ms == 0 || !on_idle ||
		!pthread_equal(session_thread, pthread_self()))
		return real_poll(fds, n, ms);
	for (;;) {
		bool idle = all_idle();

		rc = poll_for(fds, n, idle ? &none : &soon);
		if (rc != 0)
			return rc;
		if (idle && !on_idle(idle_arg))
			return real_poll(fds, n, ms);
	}
}

/* What glibc's <poll.h> makes of a call whose array's size is not clear. */
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size);

int
__poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size)
{
	if (size / sizeof(*fds) < n)
		abort();
	return poll(fds, n, ms);
}
