/*
 * Operations below a directory handle, component by component, never through
 * a symbolic link.  Whatever deployd does to a path of a tree goes through
 * here.  A failure leaves errno (ELOOP or ENOTDIR where a component is a
 * link).
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buf;
struct error;

/* Whether the kernel walks for us; false with errno: it is done by hand. */
bool beneath_is_kernels(void);
/* As openat(2); path may be "." */
int beneath_open(int root, const char *path, int flags, mode_t mode);
/*
 * Opens what must be a regular file (or else EINVAL) to be read; what is there
 * by then, as a fifo, does not hold us up.
 */
int beneath_open_file(int root, const char *path);
/* io_read_file() of a file below. */
int beneath_read(int root, const char *path, size_t most, struct buf *b,
	struct error *err);

/* As the calls of that name, with AT_SYMLINK_NOFOLLOW. */
int beneath_stat(int root, const char *path, struct stat *st);
int beneath_mkdir(int root, const char *path, mode_t mode);
int beneath_unlink(int root, const char *path);
int beneath_rename(int from, const char *path, int to, const char *new_path);

/*
 * Keeps the parent directory of the path asked last open, since trees are
 * worked through in order.
 */
struct beneath {
	int root; /* borrowed */
	int fd;   /* the directory `dir`, or -1 */
	char dir[4097];
};

void beneath_init(struct beneath *b, int root);
void beneath_release(struct beneath *b);
/* Forgets the kept directory: needed after it may have been renamed. */
void beneath_forget(struct beneath *b);
/*
 * The handle of path's parent, valid until the next call, and its last
 * component in *leaf.  -1 with errno.
 */
int beneath_at(struct beneath *b, const char *path, const char **leaf);

/* Makes path and its missing parents, mode 0755 less umask; 0 or -1. */
int beneath_mkdirs(int root, const char *path);

#endif
