#include "server/recycle.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/plan.h"
#include "tree/index.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What stands in next/ now. */
struct moved {
	struct index_stat stat;
	bool is_file;
};

struct recycling {
	const struct store *s;
	const struct busy *busy;
	struct stat_index *index; /* of the release */
	size_t i;                 /* its next path */
	struct buf at;            /* the directory that is at, with a slash */
	struct moved *moved; /* by place in the index; inode 0: it is not */
	int64_t newest;      /* change of any of them */
	bool doubted;        /* so are files that are not vouched for */
	bool broken;         /* something is in next/ that cannot be told of */
};

/* An entry of a directory, in the old one and in the new one. */
struct both {
	int from, to;
	const char *leaf, *path; /* the index's, up to its next path */
};

static void
note(struct recycling *r, size_t place, const struct stat *st)
{
	struct moved *m = &r->moved[place];

	m->stat = index_stat_of(st);
	m->is_file = S_ISREG(st->st_mode);
	if (!m->is_file)
		m->stat.size = 0;
	if (m->stat.ctime > r->newest)
		r->newest = m->stat.ctime;
}

/*
 * Whether it is only ours, and what it was before it was moved.  Nobody finds
 * it any more; a lease to read is refused while a writer has it open or mapped.
 */
static bool
is_ours_alone(const struct both *b, const struct stat *was, struct stat *now)
{
	int fd = openat(b->to, b->leaf,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool alone = fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0 &&
		fstat(fd, now) == 0 && now->st_ino == was->st_ino &&
		now->st_size == was->st_size &&
		now->st_mtim.tv_sec == was->st_mtim.tv_sec &&
		now->st_mtim.tv_nsec == was->st_mtim.tv_nsec;

	io_close(&fd); /* with the lease */
	return alone;
}

static void
move_file(struct recycling *r, const struct both *b, const struct stat *st)
{
	uint8_t digest[DIGEST_SIZE];
	size_t place = r->i++;
	bool vouched = index_get(r->index, b->path, st, digest);
	struct stat now;

	if (st->st_nlink > 1 || (!vouched && !r->doubted) ||
		renameat(b->from, b->leaf, b->to, b->leaf) < 0)
		return;
	if (is_ours_alone(b, st, &now))
		note(r, place, &now);
	else if (unlinkat(b->to, b->leaf, 0) < 0)
		r->broken = true;
	/* That it is there is known, and no file has changed then. */
	if (!vouched)
		r->moved[place].stat.ctime = INT64_MIN;
}

static void
move_link(struct recycling *r, const struct both *b, const struct stat *st)
{
	uint8_t digest[DIGEST_SIZE];
	struct stat sizeless = *st, now;
	size_t place = r->i++;

	sizeless.st_size = 0;
	if (st->st_nlink > 1 ||
		!index_get(r->index, b->path, &sizeless, digest) ||
		renameat(b->from, b->leaf, b->to, b->leaf) < 0)
		return;
	if (fstatat(b->to, b->leaf, &now, AT_SYMLINK_NOFOLLOW) == 0)
		note(r, place, &now);
	else
		r->broken = true;
}

static int move_names(struct recycling *r, int from, int to);

/*
 * What failed may have done so for a full disk: then a directory needs a piece
 * of ballast, until the old one is gone.
 */
static bool
makes_room(const struct recycling *r)
{
	return r->doubted && store_throw_ballast(r->s);
}

/* Mode and time are the old one's: mostly they will do. */
static int
open_both(struct recycling *r, const struct both *b, const struct stat *st,
	int *from, int *to)
{
	*from = *to = -1;
	if ((st->st_mode & 0700) != 0700 &&
		io_chmod_at(b->from, b->leaf, 0700) < 0)
		return -1;
	while (mkdirat(b->to, b->leaf, (st->st_mode & 0777) | 0700) < 0)
		if (!makes_room(r))
			return -1;
	*from = openat(b->from, b->leaf, DIRECTORY);
	*to = openat(b->to, b->leaf, DIRECTORY);
	r->broken = *from < 0 || *to < 0;
	return r->broken ? -1 : 0;
}

/* All names that are in it are known of one that is noted. */
static int
move_directory(struct recycling *r, const struct both *b, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	size_t place = r->i++, skip = r->at.len, len;
	int from, to, rc = 0;
	struct stat now;

	buf_addstr(&r->at, b->leaf);
	len = r->at.len;
	if (open_both(r, b, st, &from, &to) == 0) {
		buf_addstr(&r->at, "/");
		rc = move_names(r, from, to);
		buf_truncate(&r->at, len);
		r->broken = r->broken ||
			(rc == 0 &&
				(futimens(to, times) < 0 ||
					fstat(to, &now) < 0));
		if (rc == 0 && !r->broken)
			note(r, place, &now);
		/* Unless there is more in it. */
		(void)unlinkat(b->from, r->at.data + skip, AT_REMOVEDIR);
	}
	buf_truncate(&r->at, skip);
	io_close(&from);
	io_close(&to);
	return r->broken ? -1 : rc;
}

static int
move_name(struct recycling *r, const struct both *b)
{
	struct error ignored = ERROR_INIT;
	struct stat st;

	if (fstatat(b->from, b->leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		st.st_uid != geteuid())
		r->i++;
	else if (S_ISDIR(st.st_mode))
		return move_directory(r, b, &st);
	else if (S_ISREG(st.st_mode))
		move_file(r, b, &st);
	else if (S_ISLNK(st.st_mode))
		move_link(r, b, &st);
	else
		r->i++;
	return r->broken ? -1 : busy_turn(r->busy, &ignored);
}

/* What the index has of the directory that is at; -1 stops. */
static int
move_names(struct recycling *r, int from, int to)
{
	struct both b = { .from = from, .to = to };
	int rc = 0;

	while (rc == 0 && r->i < index_count(r->index)) {
		b.path = index_path(r->index, r->i);
		if (!b.path)
			return -1;
		if (strncmp(b.path, buf_str(&r->at), r->at.len) != 0)
			return 0;
		b.leaf = b.path + r->at.len;
		if (strchr(b.leaf, '/')) /* its directory was left out */
			r->i++;
		else
			rc = move_name(r, &b);
	}
	return rc;
}

/* The content of the files is on disk, their new names are not. */
static void
save_index(struct recycling *r)
{
	const uint8_t unsynced[DIGEST_SIZE] = { PLAN_UNSYNCED };
	struct error ignored = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	struct stat_index *x;
	size_t i;

	index_let_pass(r->newest);
	x = index_new(r->s->own, "next.index");
	for (i = 0; i < r->i; i++) {
		const struct moved *m = &r->moved[i];
		const char *path = m->stat.inode ?
			index_path_digest(r->index, i, digest) :
			NULL;

		if (path)
			index_put_stat(x, path, &m->stat,
				m->is_file ? digest : unsynced);
	}
	(void)index_save(x, &ignored);
	index_free(x);
}

static void
move_release(struct recycling *r, int from, const char *index)
{
	int to;

	while (store_make_apart(r->s, "next") < 0)
		if (!makes_room(r))
			return;
	to = openat(r->s->own, "next", DIRECTORY);
	r->index = index_load(r->s->own, index);
	r->moved = mem_zalloc(index_count(r->index), sizeof(*r->moved));
	if (to >= 0)
		(void)move_names(r, from, to);
	if (!r->broken)
		save_index(r);
	unlinkat(r->s->own, index, 0);
	free(r->moved);
	index_free(r->index);
	io_close(&to);
}

/* The newest release that lies in trash/; false if none does. */
static bool
find_dropped(const struct store *s, char id[static RELEASE_ID_LEN + 1])
{
	int fd = openat(s->own, "trash", DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	id[0] = '\0';
	while (dir && (e = readdir(dir)))
		if (path_is_release(e->d_name) && strcmp(e->d_name, id) > 0)
			memcpy(id, e->d_name, RELEASE_ID_LEN + 1);
	if (dir)
		closedir(dir);
	return *id != '\0';
}

/* That of this ID, in trash/. */
static void
recycle(struct recycling *r, const char *id)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	char tree[64], index[64];
	int from;

	snprintf(tree, sizeof(tree), "trash/%s", id);
	snprintf(index, sizeof(index), "records/%s.index", id);
	from = beneath_open(r->s->own, tree, O_RDONLY | O_DIRECTORY, 0);
	/* What tells of a writer who comes while there is a lease. */
	sigaction(SIGIO, &ignore, &old);
	if (from >= 0)
		move_release(r, from, index);
	sigaction(SIGIO, &old, NULL);
	buf_release(&r->at);
	io_close(&from);
}

void
recycle_dropped(const struct store *s, const struct busy *busy)
{
	struct recycling r = { .s = s, .busy = busy, .newest = INT64_MIN };
	char id[RELEASE_ID_LEN + 1];

	if (find_dropped(s, id))
		recycle(&r, id);
}

void
recycle_failed(const struct store *s, const char *id)
{
	struct recycling r = { .s = s, .newest = INT64_MIN, .doubted = true };

	recycle(&r, id);
}
