/* Full reads and writes, whole files, descriptors, the clock. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct error;

/* Reads until len bytes or the end; the count, or -1 with errno. */
ssize_t io_read_full(int fd, void *data, size_t len);
/* The same at an offset, leaving the descriptor's own alone. */
ssize_t io_pread_full(int fd, void *data, size_t len, uint64_t offset);
/* Writes everything, waiting where the descriptor does not block. */
int io_write_full(int fd, const void *data, size_t len);

/* Adds what one read gives: its count, 0 at the end, -1 with errno. */
ssize_t io_read_some(int fd, struct buf *b, size_t most);
/* Writes what one write of up to `most` takes and consumes it: 0, or -1 with errno. */
int io_write_some(int fd, struct buf *b, size_t most);
/*
 * Sends what a socket takes without waiting, and consumes it: the bytes, or
 * -1 with errno when nothing more can be sent, ever.
 */
ssize_t io_send_some(int fd, struct buf *b);

/*
 * Reads a whole file (relative to dirfd) of at most `most` bytes.  Returns 0,
 * or -1 with errno and err set (EFBIG: longer).
 */
int io_read_file(int dirfd, const char *path, size_t most, struct buf *b,
	struct error *err);
/* The same of what must be a regular file; EINVAL if it is none. */
int io_read_regular(int dirfd, const char *path, size_t most, struct buf *b,
	struct error *err);

/* What is left to be read of fd, which path is the name of. */
int io_read_rest(int fd, const char *path, size_t most, struct buf *b,
	struct error *err);

/*
 * As fchmodat(2) with AT_SYMLINK_NOFOLLOW, which older C libraries refuse, and
 * others where there is no /proc.
 */
int io_chmod_at(int dirfd, const char *name, mode_t mode);
/* fsync(2), of a file or a directory. */
int io_fsync(int fd);
int io_nonblock(int fd);
/*
 * The next name in a directory but . and ..: 1; 0 at the end; -1 with errno,
 * which readdir(3) alone does not tell from the end.
 */
int io_next_name(DIR *dir, const char **name);
/* Closes *fd if it is open and sets it to -1; keeps errno. */
void io_close(int *fd);

/* Milliseconds and microseconds of the monotonic clock. */
int64_t io_now_ms(void);
int64_t io_now_us(void);
/* Nanoseconds since 1970. */
int64_t io_wall_ns(void);

#endif
