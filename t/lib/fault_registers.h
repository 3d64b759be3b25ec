/* A stopped process's system call, its arguments and result, to be changed. */
#ifndef FAULT_REGISTERS_H
#define FAULT_REGISTERS_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>

#if defined(__x86_64__)
#define REGISTERS_KNOWN 1

static unsigned long long *
registers_argument(struct user_regs_struct *r, int i)
{
	unsigned long long *a[6] = { &r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8,
		&r->r9 };

	return a[i];
}

static void
registers_set_call(struct user_regs_struct *r, pid_t pid, long nr)
{
	r->orig_rax = (unsigned long long)nr;
}

static unsigned long long *
registers_result(struct user_regs_struct *r)
{
	return &r->rax;
}
#elif defined(__aarch64__)
#define REGISTERS_KNOWN 1

static unsigned long long *
registers_argument(struct user_regs_struct *r, int i)
{
	return &r->regs[i];
}

static void
registers_set_call(struct user_regs_struct *r, pid_t pid, long nr)
{
	int number = (int)nr;
	struct iovec v = { &number, sizeof(number) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v);
}

static unsigned long long *
registers_result(struct user_regs_struct *r)
{
	return &r->regs[0];
}
#else
#define REGISTERS_KNOWN 0
struct user_regs_struct {
	unsigned long long none;
};

static unsigned long long *
registers_argument(struct user_regs_struct *r, int i)
{
	return &r->none;
}

static void
registers_set_call(struct user_regs_struct *r, pid_t pid, long nr)
{
}

static unsigned long long *
registers_result(struct user_regs_struct *r)
{
	return &r->none;
}
#endif

static void
registers_get(pid_t pid, struct user_regs_struct *r)
{
	struct iovec v = { r, sizeof(*r) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
}

static void
registers_set(pid_t pid, const struct user_regs_struct *r)
{
	struct iovec v = { (void *)r, sizeof(*r) };

	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
}

#endif
