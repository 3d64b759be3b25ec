/*
 * The system calls that fault.c knows: what they are for, which argument is
 * the descriptor that they are about, and which a length that may be cut.
 */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <sys/syscall.h>

enum {
	CLASS_CHANGE = 1, /* the file system, or what a peer has got */
	CLASS_OPEN = 2,
	CLASS_READ = 4,
	CLASS_WRITE = 8,
	CLASS_SYNC = 16,
	CLASS_NAME = 32, /* makes, moves or removes a name */
	CLASS_MEMORY = 64,
	CLASS_WAIT = 128, /* may be interrupted */
};

#define CLASS_TRANSFER (CLASS_READ | CLASS_WRITE)

static const struct {
	const char *name;
	unsigned class;
} classes[] = {
	{ "change", CLASS_CHANGE },
	{ "open", CLASS_OPEN },
	{ "read", CLASS_READ },
	{ "write", CLASS_WRITE },
	{ "transfer", CLASS_TRANSFER },
	{ "sync", CLASS_SYNC },
	{ "name", CLASS_NAME },
	{ "memory", CLASS_MEMORY },
	{ "wait", CLASS_WAIT },
};

struct call {
	const char *name;
	long nr;
	unsigned class;
	int fd, len; /* arguments, from 0; -1 where there is none */
};

#define CALL(name, class, fd, len) \
	{ \
#name, SYS_##name, class, fd, len \
	}

static const struct call calls[] = {
	CALL(read, CLASS_READ | CLASS_WAIT, 0, 2),
	CALL(pread64, CLASS_READ, 0, 2),
	CALL(getdents64, CLASS_READ, 0, -1),
	CALL(recvfrom, CLASS_READ | CLASS_WAIT, 0, 2),
	CALL(write, CLASS_WRITE | CLASS_CHANGE | CLASS_WAIT, 0, 2),
	CALL(pwrite64, CLASS_WRITE | CLASS_CHANGE, 0, 2),
	CALL(sendto, CLASS_WRITE | CLASS_CHANGE | CLASS_WAIT, 0, 2),
	CALL(copy_file_range, CLASS_WRITE | CLASS_CHANGE, 2, 4),
	CALL(sendfile, CLASS_WRITE | CLASS_CHANGE, 0, 3),
	CALL(ftruncate, CLASS_CHANGE, 0, -1),
	CALL(fallocate, CLASS_WRITE | CLASS_CHANGE, 0, -1),
	CALL(fsync, CLASS_SYNC | CLASS_CHANGE, 0, -1),
	CALL(fdatasync, CLASS_SYNC | CLASS_CHANGE, 0, -1),
	CALL(syncfs, CLASS_SYNC | CLASS_CHANGE, 0, -1),
	CALL(openat, CLASS_OPEN, 0, -1),
	CALL(openat2, CLASS_OPEN, 0, -1),
	CALL(mkdirat, CLASS_NAME | CLASS_CHANGE, 0, -1),
	CALL(symlinkat, CLASS_NAME | CLASS_CHANGE, 1, -1),
	CALL(linkat, CLASS_NAME | CLASS_CHANGE, 2, -1),
	CALL(unlinkat, CLASS_NAME | CLASS_CHANGE, 0, -1),
	CALL(renameat, CLASS_NAME | CLASS_CHANGE, 0, -1),
	CALL(renameat2, CLASS_NAME | CLASS_CHANGE, 0, -1),
	CALL(fchmod, CLASS_CHANGE, 0, -1),
	CALL(fchmodat, CLASS_CHANGE, 0, -1),
	CALL(utimensat, CLASS_CHANGE, 0, -1),
#ifdef SYS_mkdir
	CALL(mkdir, CLASS_NAME | CLASS_CHANGE, -1, -1),
	CALL(rename, CLASS_NAME | CLASS_CHANGE, -1, -1),
	CALL(unlink, CLASS_NAME | CLASS_CHANGE, -1, -1),
	CALL(rmdir, CLASS_NAME | CLASS_CHANGE, -1, -1),
	CALL(symlink, CLASS_NAME | CLASS_CHANGE, -1, -1),
	CALL(chmod, CLASS_CHANGE, -1, -1),
	CALL(poll, CLASS_WAIT, -1, -1),
#endif
	CALL(ppoll, CLASS_WAIT, -1, -1),
	CALL(wait4, CLASS_WAIT, -1, -1),
	CALL(mmap, CLASS_MEMORY, -1, -1),
	CALL(mremap, CLASS_MEMORY, -1, -1),
	CALL(brk, CLASS_MEMORY, -1, -1),
};

/* All that is done until a program's libraries are there. */
static const long loader_calls[] = {
	SYS_openat,
	SYS_read,
	SYS_pread64,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_brk,
	SYS_faccessat,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_prlimit64,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_arch_prctl
	SYS_arch_prctl,
	SYS_access,
#endif
};

#endif
