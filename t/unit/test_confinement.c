/* What a push that has read its tree can still do, tried from inside. */
#include "client/confinement.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/confine.h"
#include "unit.h"

static struct cargo cargo;

static int
result(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
read_tree(void)
{
	return result(openat(cargo.dirfd, "tree/below/file", O_RDONLY));
}

static int
list_tree(void)
{
	return result(openat(cargo.dirfd, "tree/below",
		O_RDONLY | O_DIRECTORY));
}

static int
write_tree(void)
{
	return result(openat(cargo.dirfd, "tree/below/file", O_WRONLY));
}

static int
remove_from_tree(void)
{
	return result(unlinkat(cargo.dirfd, "tree/below/file", 0));
}

static int
run_from_tree(void)
{
	char *argv[] = { (char *)"file", NULL }, *envp[] = { NULL };

	return result(execve("tree/tree/below/file", argv, envp));
}

static int
write_cache(void)
{
	int fd = openat(cargo.cache, "new", O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return errno;
	return result(renameat(cargo.cache, "new", cargo.cache, "old"));
}

static int
read_cache(void)
{
	return result(openat(cargo.cache, "index", O_RDONLY));
}

static int
write_trace(void)
{
	return result(open("trace", O_WRONLY | O_CREAT | O_APPEND, 0600));
}

static int
read_key(void)
{
	return result(open("key", O_RDONLY));
}

static int
make_elsewhere(void)
{
	return result(open("new", O_WRONLY | O_CREAT, 0600));
}

static int
read_system(void)
{
	return result(open("/etc/passwd", O_RDONLY));
}

static int
run_program(void)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };

	return result(execve("/bin/true", argv, envp));
}

static int
connect_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* Sanitizers may read all that they like. */
#ifdef SANITIZED
#define READING 1000
#else
#define READING 1
#endif

static const struct deed {
	const char *name;
	int (*run)(void);
	int since, want; /* the version of Landlock that decides; the errno */
} deeds[] = {
	{ "read the tree", read_tree, 0, 0 },
	{ "list it", list_tree, 0, 0 },
	{ "write in it", write_tree, 1, EACCES },
	{ "remove from it", remove_from_tree, 1, EACCES },
	{ "run what is in it", run_from_tree, 1, EACCES },
	{ "write the cache", write_cache, 0, 0 },
	{ "read the cache", read_cache, 0, 0 },
	{ "go on with the trace", write_trace, 0, 0 },
	{ "read a key beside it", read_key, READING, EACCES },
	{ "make a file elsewhere", make_elsewhere, 1, EACCES },
	{ "read the system's files", read_system, READING, EACCES },
	{ "run a program", run_program, 1, EACCES },
	{ "connect", connect_tcp, 4, EACCES },
};

#define DEEDS (int)(sizeof(deeds) / sizeof(*deeds))

static void
begin(void)
{
	close(unit_dir());
	ck_assert_int_eq(mkdir("tree", 0755), 0);
	ck_assert_int_eq(mkdir("tree/tree", 0755), 0);
	ck_assert_int_eq(mkdir("tree/tree/below", 0755), 0);
	ck_assert_int_eq(mkdir("cache", 0700), 0);
	unit_write("tree/tree/below/file", "#!/bin/true\n");
	ck_assert_int_eq(chmod("tree/tree/below/file", 0755), 0);
	unit_write("cache/index", "");
	unit_write("trace", "");
	unit_write("key", "");
	ck_assert_int_eq(setenv("DEPLOY_TRACE", "trace", 1), 0);
	cargo.dirfd = open("tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cargo.cache = open("cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
inside(int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err = ERROR_INIT;

		_exit(confinement_begin(&cargo, &err) < 0 ? 255 : deed());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WIFEXITED(status), 1);
	return WEXITSTATUS(status);
}

START_TEST(deed)
{
	const struct deed *d = &deeds[_i];

	if (confine_files_version() < d->since)
		return;
	begin();
	ck_assert_msg(inside(d->run) == d->want, "%s: %d", d->name,
		inside(d->run));
}
END_TEST

/* Without a cache, or a trace, there is none to be written. */
START_TEST(nothing_to_write)
{
	begin();
	ck_assert_int_eq(unsetenv("DEPLOY_TRACE"), 0);
	close(cargo.cache);
	cargo.cache = -1;
	ck_assert_int_eq(inside(read_tree), 0);
	if (confine_files_version() > 0)
		ck_assert_int_eq(inside(write_trace), EACCES);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("confinement");
	TCase *t = tcase_create("confinement");

	tcase_add_loop_test(t, deed, 0, DEEDS);
	tcase_add_test(t, nothing_to_write);
	suite_add_tcase(s, t);
	return unit_run(s);
}
