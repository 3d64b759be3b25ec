/*
 * Runs one fuzz target over the files of a directory, in place of libFuzzer:
 * `make check` replays each corpus this way.  To look for new inputs:
 *
 *	make fuzz
 *	mkdir /tmp/found
 *	export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=2
 *	build/fuzz/t/fuzz/fuzz_serve -dict=t/fuzz/dict/serve \
 *		/tmp/found t/fuzz/corpus/serve
 *
 * and add to the corpus, under a name that tells why, what made it fail; what
 * -set_cover_merge=1 takes from there is called found-X.  Not every target has
 * a dictionary.  Those of serve.h, intake and delivery are
 * written in the language of cook.h, and none of them makes a process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* A copy of exactly its size, so that a read beyond it is seen. */
static void
replay(const struct buf *b)
{
	uint8_t *exact = malloc(b->len ? b->len : 1);

	if (!exact)
		abort();
	if (b->len)
		memcpy(exact, b->data, b->len);
	LLVMFuzzerTestOneInput(exact, b->len);
	free(exact);
}

int
main(int argc, char **argv)
{
	struct dirent **names;
	int n, i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	n = scandir(argv[1], &names, visible, alphasort);
	if (n < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		struct error err = ERROR_INIT;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1],
			names[i]->d_name);
		if (io_read_file(AT_FDCWD, path, 64 << 20, &b, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		replay(&b);
		printf("ok %d - %s\n", i + 1, names[i]->d_name);
		fflush(stdout);
		buf_release(&b);
		free(names[i]);
	}
	free(names);
	return n == 0;
}
