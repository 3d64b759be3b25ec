#include "background.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_LOWEST (2 << 13 | 7)
#define NICE 10
#define KEPT_MOST 8

/*
 * Not the very lowest: on a busy machine that is a few thousandths of a
 * processor, and up to ten seconds for each write of the class `idle', while
 * whoever comes next waits for a lock that this work may hold.
 */
static void
lower_priority(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOWEST);
}

/* What is kept may have the number of a standard stream: those are filled. */
static void
replace_streams(const int *keep, int n)
{
	int kept[KEPT_MOST + 3], i, fd = open("/dev/null", O_RDWR);

	for (i = 0; i < n; i++)
		kept[3 + i] = keep[i];
	for (i = 0; i < 3; i++) {
		kept[i] = i;
		(void)dup2(fd, i);
	}
	process_close_all_but(kept, n + 3);
}

void
background_run(void (*body)(void *arg), void *arg, const int *keep, int n)
{
	pid_t pid = fork();

	if (pid > 0)
		process_wait(pid);
	if (pid != 0)
		return;
	setsid();
	if (fork() != 0)
		process_exit(0);
	process_default_signals();
	replace_streams(keep, n);
	lower_priority();
	body(arg);
	process_exit(0);
}
