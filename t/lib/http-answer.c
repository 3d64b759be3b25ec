/*
 * A small HTTP server for tests of checks:
 *
 *	http-answer FILE
 *
 * prints its port, then answers every request with the status line and the
 * headers that FILE holds at that moment, and shows the request on standard
 * output.  FILE empty: accepts and says nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t
read_answer(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, size, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static void
answer(int fd, const char *path)
{
	char text[4096], request[4096];
	ssize_t got = read(fd, request, sizeof(request) - 1);
	size_t n = read_answer(path, text, sizeof(text));

	if (got > 0) {
		printf("%.*s", (int)got, request);
		fflush(stdout);
	}
	if (n == 0)
		sleep(60);
	else if (write(fd, text, n) < 0 ||
		write(fd, "Content-Length: 0\r\n\r\n", 21) < 0)
		perror("write");
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one;

	/* Whoever only connects is gone before the answer. */
	signal(SIGPIPE, SIG_IGN);
	if (argc != 2 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
		listen(fd, 16) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 1;
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	while ((one = accept(fd, NULL, NULL)) >= 0)
		answer(one, argv[1]);
	return 1;
}
