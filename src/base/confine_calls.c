/* seccomp: a program for the kernel's filter, made of a list. */
#include "confine.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"

#ifdef __x86_64__
#define MACHINE AUDIT_ARCH_X86_64
#define FOREIGN 0x40000000u /* from here on calls are those of x32 */
#else
#define MACHINE AUDIT_ARCH_AARCH64
#define FOREIGN 0x80000000u
#endif

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#endif
#ifndef SECCOMP_GET_ACTION_AVAIL
#define SECCOMP_GET_ACTION_AVAIL 2
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW 4u
#endif

#define HEAD 6
#define EACH 7 /* the longest rule */

bool
confine_calls_known(void)
{
#ifdef CONFINE_MACHINE
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#else
	errno = EOPNOTSUPP;
	return false;
#endif
}

#ifdef CONFINE_MACHINE
struct program {
	struct sock_filter code[HEAD + EACH * CONFINE_CALLS_MOST + 1];
	unsigned short n;
};

static void
add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	assert(p->n < sizeof(p->code) / sizeof(*p->code));
	p->code[p->n++] = (struct sock_filter){ code, yes, no, k };
}

static void
load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
answer(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

static void
answer_call(struct program *p, const struct confine_call *c)
{
	answer(p,
		c->error ? SECCOMP_RET_ERRNO | (uint32_t)c->error :
			   SECCOMP_RET_ALLOW);
}

/* Its number is loaded, and still is behind it if it was another. */
static void
add_call(struct program *p, const struct confine_call *c)
{
	const uint16_t equal = BPF_JMP | BPF_JEQ | BPF_K;

	if (!c->mask) {
		add(p, equal, (uint32_t)c->number, 0, 1);
		answer_call(p, c);
		return;
	}
	add(p, equal, (uint32_t)c->number, 0, 5);
	/* The kernel takes no more of a flag than its lower half. */
	load(p,
		offsetof(struct seccomp_data, args) +
			c->argument * sizeof(uint64_t));
	add(p, BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
	add(p, equal, c->value, 0, 1);
	answer(p, SECCOMP_RET_ALLOW);
	answer_call(p, c);
}

static void
add_head(struct program *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	add(p, BPF_JMP | BPF_JGE | BPF_K, FOREIGN, 0, 1);
	answer(p, SECCOMP_RET_KILL_PROCESS);
}

/*
 * Before 5.16 a filter made the kernel forbid the processor to speculate on
 * stores as well, which is a lot to pay for hashing; unless told so, which
 * the oldest do not understand.
 */
static long
install(struct program *p)
{
	struct sock_fprog f = { p->n, p->code };
	const unsigned all = SECCOMP_FILTER_FLAG_TSYNC;
	long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		all | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &f);

	if (rc < 0 && errno == EINVAL)
		rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, all, &f);
	if (rc > 0)
		errno = EBUSY; /* the number of a thread that would not */
	return rc;
}

int
confine_calls(const struct confine_calls *c, struct error *err)
{
	struct program p = { .n = 0 };
	size_t i;

	if (!confine_calls_known())
		return CONFINE_UNKNOWN;
	assert(c->n <= CONFINE_CALLS_MOST);
	add_head(&p);
	for (i = 0; i < c->n; i++)
		add_call(&p, &c->v[i]);
	answer(&p, SECCOMP_RET_KILL_PROCESS);
	return install(&p) ? error_errno(err, "seccomp") : CONFINED;
}
#else
int
confine_calls(const struct confine_calls *c, struct error *err)
{
	errno = EOPNOTSUPP;
	return CONFINE_UNKNOWN;
}
#endif
