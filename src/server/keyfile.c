#include "server/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/replace.h"
#include "server/config.h"

#define NAME "authorized_keys"
#define FILE_MOST (4 << 20)

void
keyfile_init(struct keyfile *f)
{
	memset(f, 0, sizeof(*f));
	f->dir = -1;
	f->mode = 0600;
}

static void
line_release(struct keyfile_line *line)
{
	free(line->text);
	authorized_key_release(&line->key);
	memset(line, 0, sizeof(*line));
}

void
keyfile_release(struct keyfile *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		line_release(&f->v[i]);
	free(f->v);
	free(f->path);
	io_close(&f->dir);
	keyfile_init(f);
}

static void
warn_of_home(void)
{
	struct stat st;

	if (stat(config_home(), &st) == 0 && st.st_mode & 022)
		log_warn("%s can be written by others: sshd may ignore the "
			 "keys in it (chmod go-w)",
			config_home());
}

/* Leaves f->dir at -1 where there is none and nothing is to change. */
static int
open_dir(struct keyfile *f, const char *path, bool change, struct error *err)
{
	struct stat st;

	if (change && mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "%s", path);
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return !change && errno == ENOENT ?
			0 :
			error_errno(err, "%s", path);
	if (fstat(f->dir, &st) < 0)
		return error_errno(err, "%s", path);
	if (st.st_uid != geteuid())
		return config_not_ours(path, err);
	/* On the directory, which stays: the file is replaced. */
	if (change && flock(f->dir, LOCK_EX) < 0 && errno != EBADF &&
		errno != ENOLCK)
		return error_errno(err, "%s", path);
	return 0;
}

static struct keyfile_line *
add_line(struct keyfile *f)
{
	MEM_GROW(f->v, f->n, f->cap);
	memset(&f->v[f->n], 0, sizeof(*f->v));
	return &f->v[f->n++];
}

static void
parse(struct keyfile *f, const char *text, size_t len)
{
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) + 1 : len;
		struct keyfile_line *line = add_line(f);

		line->text = mem_strndup(text, n);
		line->is_key = authorized_key_parse(&line->key, line->text,
				       n - (nl != NULL)) > 0;
		text += n;
		len -= n;
	}
}

static int
read_file(struct keyfile *f, struct error *err)
{
	struct buf text = BUF_INIT;
	struct stat st;
	int rc = -1;

	if (fstatat(f->dir, NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", f->path);
	if (!S_ISREG(st.st_mode))
		return error_status(err, STATUS_REFUSED,
			"%s is no plain file: it is left alone", f->path);
	if (st.st_uid != geteuid())
		return config_not_ours(f->path, err);
	f->mode = st.st_mode & 0777;
	if (io_read_file(f->dir, NAME, FILE_MOST, &text, err) < 0)
		error_prefix(err, "%s: ", f->path);
	else if (memchr(buf_str(&text), '\0', text.len))
		error_status(err, STATUS_REFUSED,
			"%s has a NUL in it: it is left alone", f->path);
	else
		rc = 0;
	if (rc == 0)
		parse(f, buf_str(&text), text.len);
	buf_release(&text);
	return rc;
}

int
keyfile_open(struct keyfile *f, bool change, struct error *err)
{
	char *dir = mem_printf("%s/.ssh", config_home());
	int rc = -1;

	f->path = mem_printf("%s/" NAME, dir);
	if (config_check_home(err) == 0 && open_dir(f, dir, change, err) == 0) {
		warn_of_home();
		rc = f->dir < 0 ? 0 : read_file(f, err);
	}
	free(dir);
	return rc;
}

void
keyfile_set(struct keyfile *f, struct keyfile_line *line, const char *text)
{
	line_release(line);
	line->text = mem_printf("%s\n", text);
}

static void
end_line(struct keyfile_line *line)
{
	size_t len = strlen(line->text);
	char *whole;

	if (len == 0 || line->text[len - 1] == '\n')
		return;
	whole = mem_printf("%s\n", line->text);
	free(line->text);
	line->text = whole;
}

void
keyfile_append(struct keyfile *f, const char *text)
{
	if (f->n)
		end_line(&f->v[f->n - 1]);
	keyfile_set(f, add_line(f), text);
}

void
keyfile_drop(struct keyfile_line *line)
{
	line_release(line);
}

int
keyfile_save(struct keyfile *f, struct error *err)
{
	struct buf text = BUF_INIT;
	size_t i;
	int rc;

	for (i = 0; i < f->n; i++)
		if (f->v[i].text)
			buf_addstr(&text, f->v[i].text);
	umask(077);
	rc = replace_file(f->dir, NAME, buf_str(&text), text.len, 0600,
		REPLACE_SYNC, err);
	if (rc < 0)
		error_prefix(err, "%s: ", f->path);
	/* Who had let others read it may want them to. */
	else if (f->mode != 0600 && fchmodat(f->dir, NAME, f->mode, 0) < 0)
		rc = error_errno(err, "%s", f->path);
	buf_release(&text);
	return rc;
}
