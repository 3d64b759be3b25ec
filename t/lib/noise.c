/*
 * noise SEED BYTES: prints bytes like random ones, the same on every machine,
 * for tests whose outcome would else depend on luck.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	uint64_t x, left;

	if (argc != 3) {
		fputs("usage: noise SEED BYTES\n", stderr);
		return 2;
	}
	x = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	for (left = strtoull(argv[2], NULL, 10); left; left--) {
		/* Marsaglia's xorshift64. */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		putchar((int)(x >> 32 & 255));
	}
	return fflush(stdout) != 0;
}
