/*
 * The defences that the kernel gives: each is tried in a process of its own,
 * which must then be refused something.
 */
#include "server/doctor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/confine.h"
#include "base/process.h"
#include "server/intake_confine.h"

/* What the process of a trial exits with: that, or an errno. */
#define REFUSED 0
#define ALLOWED 255

static const char *
why(int error)
{
	switch (error) {
	case ENOSYS:
	case EINVAL:
		return "this kernel is too old for it, or was built without it";
	case EOPNOTSUPP:
		return "this kernel, or this kind of machine, has it switched "
		       "off";
	case EPERM:
	case EACCES:
		return "something around deployd forbids it, such as the "
		       "filter of a container";
	case ALLOWED:
		return "it was switched on, and refused nothing";
	default:
		return strerror(error);
	}
}

static int
try_privileges(void)
{
	struct error ignored = ERROR_INIT;

	if (confine_privileges(&ignored) != CONFINED)
		return errno;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? REFUSED : ALLOWED;
}

static int
try_files(void)
{
	const struct confine nothing = { .n = 0 };
	struct error ignored = ERROR_INIT;

	if (confine_privileges(&ignored) != CONFINED ||
		confine_files(&nothing, &ignored) != CONFINED)
		return errno;
	return open("/", O_RDONLY | O_CLOEXEC) < 0 ? REFUSED : ALLOWED;
}

/* It is killed, which is as it should be. */
static int
try_calls(void)
{
	static const struct confine_call end[] = { { .number = SYS_exit_group },
		{ .number = SYS_exit } };
	const struct confine_calls calls = { end, 2 };
	struct error ignored = ERROR_INIT;

	if (confine_privileges(&ignored) != CONFINED ||
		confine_calls(&calls, &ignored) != CONFINED)
		return errno;
	(void)syscall(SYS_getppid);
	return ALLOWED;
}

/* REFUSED, or why it is not. */
static int
try(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };

		process_close_all_but(NULL, 0);
		(void)setrlimit(RLIMIT_CORE, &none);
		process_exit(body());
	}
	status = process_wait(pid);
	return status == 128 + SIGSYS ? REFUSED : status;
}

static void
say_tried(struct doctor *d, const char *name, int (*body)(void),
	const char *what)
{
	int how = try(body);

	if (how == REFUSED)
		doctor_say(d, DOCTOR_OK, name, "%s", what);
	else
		doctor_say(d, DOCTOR_FAULT, name, "not in force: %s", why(how));
}

static void
say_landlock(struct doctor *d)
{
	int version = confine_files_version(), how = try(try_files);
	const char *more = version < 4 ? "; for networks it takes Linux 6.7" :
		version < 6            ? ", and no network" :
					 ", no network and no process of others";

	if (how == REFUSED)
		doctor_say(d, DOCTOR_OK, "landlock",
			"version %d: an intake reaches no file but in its "
			"tmp/%s",
			version, more);
	else
		doctor_say(d, DOCTOR_FAULT, "landlock", "not in force: %s",
			why(how));
}

static void
say_openat2(struct doctor *d)
{
	if (beneath_is_kernels())
		doctor_say(d, DOCTOR_OK, "openat2",
			"the kernel keeps paths below their directory");
	else
		doctor_say(d, DOCTOR_NOTE, "openat2",
			"not in force: %s; paths are walked by hand, as "
			"strictly",
			why(errno));
}

void
doctor_kernel(struct doctor *d)
{
	struct utsname u = { 0 };

	(void)uname(&u);
	doctor_say(d, DOCTOR_OK, "deployd", VERSION ", on %s %s, %s", u.sysname,
		u.release, u.machine);
	say_openat2(d);
	say_tried(d, "no_new_privs", try_privileges,
		"an intake gets no more privileges than it has");
	say_landlock(d);
	if (INTAKE_CONFINES_CALLS)
		say_tried(d, "seccomp", try_calls,
			"an intake makes no system calls but those it needs");
	else
		doctor_say(d, DOCTOR_FAULT, "seccomp",
			"not in force: this deployd is instrumented, to be "
			"tested");
}
