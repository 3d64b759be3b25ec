/*
 * Running programs: fork and exec of an argument vector, never a shell line
 * made of names.  Of our descriptors the child has only those asked for.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct buf;
struct confine;
struct error;

struct process_options {
	const char *const *argv; /* argv[0] is looked up in its own PATH */
	char *const *envp;       /* NULL: ours */
	int cwd;                 /* a directory handle, or -1 */
	int fds[3];              /* for 0, 1 and 2; -1: /dev/null */
	bool group;              /* a process group of its own */
	bool with_us;            /* it is killed when we end */
	/* It gets no new privileges, and no files but these; or NULL. */
	const struct confine *fence;
	/* Instead of argv: what the child does, and exits with. */
	int (*body)(const void *arg);
	const void *arg;
};

#define PROCESS_OPTIONS_INIT \
	{ \
		NULL, NULL, -1, { -1, 1, 2 }, false, false, NULL, NULL, NULL \
	}

/*
 * Starts it.  A program that cannot be executed is an error here, not an
 * exit status of 127.  Returns the pid or -1.
 */
pid_t process_start(const struct process_options *o, struct error *err);

/* Waits; the exit status, or 128 + signal. */
int process_wait(pid_t pid);
/* The same of what waitpid(2) has. */
int process_status(int status);

/*
 * Runs argv with standard error dropped and collects at most `most` bytes of
 * its output; envp and cwd as above.  Returns its exit status, or -1 (not
 * started, too long).
 */
int process_output(const char *const *argv, char *const *envp, int cwd,
	size_t most, struct buf *out, struct error *err);

/* Ends a child that does not exec; what its parent left to exit() is not done. */
_Noreturn void process_exit(int status);

/*
 * SIGTERM, SIGINT and SIGHUP end it again, whatever its parent does with them;
 * for a child that does not exec.
 */
void process_default_signals(void);

/* Closes every descriptor but the n in keep; for a child that does not exec. */
void process_close_all_but(const int *keep, int n);

#endif
