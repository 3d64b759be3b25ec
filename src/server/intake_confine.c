#include "server/intake_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/confine.h"

/* Whatever is inherited, and what a manifest of many entries takes. */
#define MEMORY_LEAST (1ull << 30)
#define MEMORY_ENTRY 2048
/* Those that it has may have higher numbers; it opens one at a time. */
#define FILES_MOST 8

/* As the writer makes files: it can open none that is there already. */
#define MAKES (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

#ifdef CONFINE_MACHINE
#define MAY(name) \
	{ \
		.number = SYS_##name \
	}
#define IF(name, arg, bits, is) \
	{ \
		.number = SYS_##name, .error = EACCES, .argument = (arg), \
		.mask = (bits), .value = (is) \
	}
/* What libraries ask for of their own accord, and do without. */
#define NO(name, why) \
	{ \
		.number = SYS_##name, .error = (why) \
	}

/* The first are the most frequent. */
static const struct confine_call calls[] = {
	MAY(write),
	MAY(read),
	MAY(futex),
	MAY(close),
	IF(openat, 2, ~(uint32_t)O_LARGEFILE, MAKES & ~(uint32_t)O_LARGEFILE),
#ifdef SYS_poll
	MAY(poll),
#endif
	MAY(ppoll),
	MAY(renameat),
	IF(renameat2, 4, UINT32_MAX, 0),
	MAY(unlinkat),
	MAY(fchmod),
	MAY(writev),
	MAY(lseek),
	MAY(fstat),

	/* Memory, none of it to be run. */
	MAY(brk),
	MAY(munmap),
	MAY(mremap),
	MAY(madvise),
	IF(mmap, 2, PROT_EXEC, 0),
	IF(mprotect, 2, PROT_EXEC, 0),

	/* Threads, clocks, and how a process ends. */
	MAY(rt_sigprocmask),
	MAY(rt_sigaction),
	MAY(rt_sigreturn),
	MAY(restart_syscall),
	MAY(set_robust_list),
#ifdef SYS_rseq
	MAY(rseq),
#endif
	MAY(sched_yield),
	MAY(sched_getaffinity),
	MAY(clock_gettime),
	MAY(gettimeofday),
	MAY(getrandom),
	MAY(getpid),
	MAY(gettid),
	IF(tgkill, 2, UINT32_MAX, SIGABRT),
	IF(tkill, 1, UINT32_MAX, SIGABRT), /* musl's abort() */
	MAY(exit),
	MAY(exit_group),

#ifdef SYS_open
	NO(open, EACCES),
	NO(stat, EACCES),
	NO(lstat, EACCES),
	NO(access, EACCES),
	NO(readlink, EACCES),
#endif
	NO(newfstatat, EACCES),
	NO(statx, EACCES),
	NO(faccessat, EACCES),
	NO(readlinkat, EACCES),
	NO(ioctl, ENOTTY),
	NO(prctl, EPERM),
	NO(prlimit64, EPERM),
	NO(sysinfo, EPERM),
	NO(uname, EPERM),
};

static const struct confine_calls list = { calls,
	sizeof(calls) / sizeof(*calls) };
#else
static const struct confine_calls list = { NULL, 0 };
#endif

int
intake_confine_files(const struct intake_options *o, struct error *err)
{
	const struct confine_rule tmp = { o->tmp, CONFINE_FILES };
	const struct confine c = { .rules = &tmp, .n = 1 };

	if (confine_privileges(err) < 0 || confine_files(&c, err) < 0)
		return -1;
	return 0;
}

static uint64_t
most_memory(const struct intake_options *o)
{
	return o->most_entries ? MEMORY_LEAST + o->most_entries * MEMORY_ENTRY :
				 0;
}

/* The manifest's text is a file as well. */
static uint64_t
largest_file(const struct intake_options *o)
{
	uint64_t memory = most_memory(o), file = o->most_file_size;

	return !memory || !file ? 0 : file > memory ? file : memory;
}

int
intake_confine_calls(const struct intake_options *o, struct error *err)
{
	const struct confine_limits limits = { .memory = most_memory(o),
		.file_size = largest_file(o),
		.files = FILES_MOST };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (!INTAKE_CONFINES_CALLS)
		return 0;
	/* A file that is too large is an error of write. */
	sigaction(SIGXFSZ, &ignore, NULL);
	if (confine_limits(&limits, err) < 0 || confine_calls(&list, err) < 0)
		return -1;
	return 0;
}
