/*
 * Landlock.  Its numbers stand here, since a system's headers may be older
 * than the kernel that it runs.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "io.h"

/* The same on all machines. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446

#define ASK_VERSION 1u
#define PATH_BENEATH 1

#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define REMOVE_DIR (1ull << 4)
#define REMOVE_FILE (1ull << 5)
#define MAKE_CHAR (1ull << 6)
#define MAKE_DIR (1ull << 7)
#define MAKE_REG (1ull << 8)
#define MAKE_SOCK (1ull << 9)
#define MAKE_FIFO (1ull << 10)
#define MAKE_BLOCK (1ull << 11)
#define MAKE_SYM (1ull << 12)
#define REFER (1ull << 13)     /* since version 2; never without */
#define TRUNCATE (1ull << 14)  /* 3 */
#define IOCTL_DEV (1ull << 15) /* 5 */

#define OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)
#define OF_VERSION_1 (REFER - 1)

#define NET_BIND_TCP (1ull << 0)    /* 4 */
#define NET_CONNECT_TCP (1ull << 1) /* 4 */
#define SCOPE_ABSTRACT (1ull << 0)  /* 6 */
#define SCOPE_SIGNAL (1ull << 1)    /* 6 */

/* A kernel that does not know the last of these takes zeros for them. */
struct ruleset {
	uint64_t files, network, scope;
};

struct beneath_rule {
	uint64_t may;
	int32_t fd;
} __attribute__((packed));

int
confine_files_version(void)
{
	long n = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);

	return n < 0 ? 0 : (int)n;
}

/* All that this version can refuse. */
static uint64_t
known(int version)
{
	return OF_VERSION_1 | (version >= 2 ? REFER : 0) |
		(version >= 3 ? TRUNCATE : 0) | (version >= 5 ? IOCTL_DEV : 0);
}

static uint64_t
rights(unsigned may)
{
	uint64_t r = 0;

	if (may & CONFINE_READ)
		r |= READ_FILE | READ_DIR | IOCTL_DEV;
	if (may & CONFINE_RUN)
		r |= EXECUTE;
	if (may & (CONFINE_FILES | CONFINE_TREES))
		r |= WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE;
	if (may & CONFINE_TREES)
		r |= MAKE_DIR | REMOVE_DIR | MAKE_SYM | MAKE_SOCK | MAKE_FIFO |
			REFER;
	return r;
}

static int
add_rule(int ruleset, const struct confine_rule *rule, uint64_t handled)
{
	struct beneath_rule r = { rights(rule->may) & handled, rule->fd };
	struct stat st;

	if (rule->fd < 0)
		return 0;
	if (fstat(rule->fd, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		r.may &= OF_FILES;
	return (int)syscall(ADD_RULE, ruleset, PATH_BENEATH, &r, 0);
}

/*
 * What instruments need: counters are files, written when the process ends;
 * sanitizers look at /proc, programs and lists of theirs.
 */
static int
add_instruments(int ruleset, const struct confine *c, uint64_t handled)
{
	struct confine_rule rule = { -1, CONFINE_READ };
	int rc;

#ifdef COVERAGE
	rule.fd = open(COVERAGE, O_PATH | O_CLOEXEC);
	rule.may |= CONFINE_FILES;
#elif defined(SANITIZED)
	if (c->sanitizer)
		rule.fd = open("/", O_PATH | O_CLOEXEC);
#endif
	rc = add_rule(ruleset, &rule, handled);
	io_close(&rule.fd);
	return rc;
}

static int
enforce(int ruleset, const struct confine *c, uint64_t handled)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (add_rule(ruleset, &c->rules[i], handled) < 0)
			return -1;
	if (add_instruments(ruleset, c, handled) < 0)
		return -1;
	return (int)syscall(RESTRICT_SELF, ruleset, 0);
}

int
confine_files(const struct confine *c, struct error *err)
{
	int version = confine_files_version(), fd, rc;
	struct ruleset r = { .files = known(version) };

	if (version < c->least || version == 0) {
		errno = version ? EOPNOTSUPP : errno;
		return CONFINE_UNKNOWN;
	}
	if (version >= 4 && !c->network)
		r.network = NET_BIND_TCP | NET_CONNECT_TCP;
	if (version >= 6 && !c->others)
		r.scope = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	fd = (int)syscall(CREATE_RULESET, &r, sizeof(r), 0);
	if (fd < 0)
		return error_errno(err, "Landlock");
	rc = enforce(fd, c, r.files);
	io_close(&fd);
	return rc < 0 ? error_errno(err, "Landlock") : CONFINED;
}
