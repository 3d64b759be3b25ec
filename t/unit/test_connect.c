#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "transport/connect.h"
#include "transport/internal.h"
#include "transport/ssh_config.h"

/* What the name stands for here: loopback addresses and ports. */
static struct sockaddr_in places[3];
static struct addrinfo found[3];

static int name_server_ms;

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **list)
{
	usleep((useconds_t)name_server_ms * 1000);
	*list = found;
	return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
}

/* A socket on a port of its own; listens or only holds it. */
static int
place(int i, bool listens)
{
	struct sockaddr_in *a = &places[i];
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(a, 0, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)a, sizeof(*a)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, &len), 0);
	if (listens)
		ck_assert_int_eq(listen(fd, 1), 0);
	found[i] = (struct addrinfo){ .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_addr = (struct sockaddr *)a,
		.ai_addrlen = sizeof(*a) };
	if (i > 0)
		found[i - 1].ai_next = &found[i];
	return fd;
}

static int
try(struct connection *n, int ms, struct error *err)
{
	struct transport t = { .wake = -1 };
	struct ssh_config c = { .hostname = (char *)"web1", .port = 22 };

	connection_init(n);
	return connection_open(n, &t, &c, io_now_ms() + ms, err);
}

START_TEST(the_next_address_is_tried)
{
	struct error err = ERROR_INIT;
	struct connection n;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int a = place(0, false), b = place(1, false), c = place(2, true);

	ck_assert_msg(try(&n, 20000, &err) == 0, "%s", err.text);
	ck_assert_int_eq(getpeername(n.fd, (struct sockaddr *)&peer, &len), 0);
	ck_assert_int_eq(peer.sin_port, places[2].sin_port);
	ck_assert_str_eq(n.address, "127.0.0.1");
	close(n.fd);
	close(a);
	close(b);
	close(c);
}
END_TEST

START_TEST(the_last_failure_is_told)
{
	struct error err = ERROR_INIT;
	struct connection n;
	int a = place(0, false), b = place(1, false);

	ck_assert_int_eq(try(&n, 20000, &err), -1);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_str_eq(err.text,
		"cannot connect to web1 port 22: Connection refused");
	ck_assert_int_eq(n.fd, -1);
	close(a);
	close(b);
}
END_TEST

START_TEST(a_silent_name_server_is_not_waited_for)
{
	struct error err = ERROR_INIT;
	struct connection n;
	int64_t start = io_now_ms();

	name_server_ms = 30000;
	ck_assert_int_eq(try(&n, 200, &err), -1);
	ck_assert_int_lt(io_now_ms() - start, 25000);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_str_eq(err.text,
		"cannot find the address of web1: Connection timed out");
}
END_TEST

START_TEST(nor_is_it_by_an_end)
{
	struct transport t = { .wake = -1 };
	struct ssh_config c = { .hostname = (char *)"web1", .port = 22 };
	struct error err = ERROR_INIT;
	struct connection n;

	name_server_ms = 3000;
	t.wake = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	atomic_store(&t.aborted, true);
	connection_init(&n);
	ck_assert_int_eq(connection_open(&n, &t, &c, io_now_ms() + 60000, &err),
		-1);
	ck_assert_str_eq(err.text, "the connection was given up");
	close(t.wake);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("connect");
	TCase *t = tcase_create("connect");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, the_next_address_is_tried);
	tcase_add_test(t, the_last_failure_is_told);
	tcase_add_test(t, a_silent_name_server_is_not_waited_for);
	tcase_add_test(t, nor_is_it_by_an_end);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
