/*
 * What a process gives up for good before it touches what a peer sends:
 *
 *	confine_privileges()   no_new_privs, without which the next two are
 *	                       for root only
 *	confine_files()        Landlock: which files, and whether networks
 *	confine_limits()       resource limits
 *	confine_calls()        seccomp: which system calls
 *
 * The first two hold for the thread that calls them and for what it starts
 * from then on, the other two for the whole process.  Each returns CONFINED;
 * or CONFINE_UNKNOWN where this kernel has not got it, or something around us
 * forbids it, with errno; or -1 with err where it is there and failed.
 *
 * Nothing here allocates, so that it can be called between fork and exec.
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { CONFINED, CONFINE_UNKNOWN };

int confine_privileges(struct error *err);

/* What may be done with a file, or with all that is below a directory. */
#define CONFINE_READ 1u
#define CONFINE_RUN 2u
/* Make, write, rename and remove regular files. */
#define CONFINE_FILES 4u
/* The same, and of directories, links, sockets and fifos; no devices. */
#define CONFINE_TREES 8u

struct confine_rule {
	int fd; /* a handle, O_PATH will do; -1: no rule */
	unsigned may;
};

struct confine {
	const struct confine_rule *rules; /* everything else is refused */
	size_t n;
	bool network;   /* TCP may be used */
	bool others;    /* so may processes of others: signals, sockets */
	bool sanitizer; /* where one is built in, it may read everything */
	int least;      /* the version of Landlock without which it is no use */
};

int confine_files(const struct confine *c, struct error *err);
/* The kernel's version of Landlock, or 0 with errno. */
int confine_files_version(void);

struct confine_limits {
	uint64_t memory;    /* bytes of data; 0: no limit */
	uint64_t file_size; /* the largest file; 0: no limit */
	unsigned files;     /* descriptors are below this */
};

/* Besides, no core file and, but for root, no further process or thread. */
int confine_limits(const struct confine_limits *l, struct error *err);

/* One system call of a list. */
struct confine_call {
	int number;
	/* What it is answered with; 0: it may be made. */
	int error;
	/* If `mask': it may be made if that argument, masked, is this. */
	unsigned argument;
	uint32_t mask, value;
};

/* The list of some program's system calls. */
struct confine_calls {
	const struct confine_call *v;
	size_t n;
};

#define CONFINE_CALLS_MOST 256

/* Machines that there is a filter for: lists need the numbers of no other. */
#if (defined(__x86_64__) && defined(__LP64__)) || \
	(defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define CONFINE_MACHINE
#endif

/*
 * What is not in the list kills the process (SIGSYS): who asks for it is not
 * us any more, and is not to try the next thing.
 */
int confine_calls(const struct confine_calls *c, struct error *err);
/* Whether the kernel can do that; false with errno. */
bool confine_calls_known(void);

#endif
