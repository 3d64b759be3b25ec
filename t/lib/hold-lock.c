/*
 * hold-lock FILE: takes the lock that lock.h takes, says `held', and keeps it
 * until it is killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &whole) < 0)
		return 1;
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}
