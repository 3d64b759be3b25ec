/*
 * The manifest: the canonical, sorted text that describes a tree.
 *
 *	d TAB mode TAB path
 *	f TAB mode TAB size TAB sha256 TAB path
 *	c TAB length TAB sha256            chunks of the f above, in order
 *	l TAB target TAB path
 *	end TAB treeid
 *
 * One entry a line, LF behind each.  Entries ascend by path_compare(), so
 * that a directory is followed by all below it; every directory but the
 * tree's own has its line, before what it holds.  The tree id is the SHA-256
 * of the d, f and l lines.  Modes are three octal digits.
 *
 * In memory a manifest is an array of entries in that order; those of large
 * files know their chunks.  `line` is an entry's line number in the text, from
 * 1, chunk lines counted.
 */
#ifndef TREE_MANIFEST_H
#define TREE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"

/* A line: type, mode, size, digest, a path, or a target and a path. */
#define MANIFEST_LINE_MOST (2 * 4096 + 128)
/* Bytes of one chunk, and chunks of all files. */
#define MANIFEST_CHUNK_MOST (1024 * 1024)
#define MANIFEST_CHUNKS_MOST 4000000

enum entry_type {
	ENTRY_DIRECTORY = 'd',
	ENTRY_FILE = 'f',
	ENTRY_LINK = 'l',
};

/* A piece of a file, up to where the next one begins. */
struct chunk {
	uint64_t offset;
	uint8_t digest[DIGEST_SIZE];
};

struct chunks {
	uint32_t n; /* not 0 */
	struct chunk v[];
};

struct entry {
	const char *path; /* the manifest's; also target and chunks */
	union {
		const char *target;          /* of a link */
		const struct chunks *chunks; /* of a file, or NULL */
	};
	uint64_t size; /* of a file */
	uint32_t line;
	uint16_t mode; /* permission bits; 0 for a link */
	char type;     /* enum entry_type */
	uint8_t digest[DIGEST_SIZE];
};

struct manifest {
	struct entry *v;
	size_t n, cap;
	struct arena arena;
	uint32_t lines;          /* of the text, `end` not counted */
	uint8_t id[DIGEST_SIZE]; /* set by manifest_finish() and by reading */
};

#define MANIFEST_INIT \
	{ \
		NULL, 0, 0, ARENA_INIT, 0, \
		{ \
			0 \
		} \
	}

void manifest_release(struct manifest *m);

/*
 * Appends an entry, copying what it points to; `line` is set here.  The caller
 * adds in order and calls manifest_finish(), which computes the tree id.
 */
struct entry *manifest_add(struct manifest *m, const struct entry *e);
/*
 * Makes a copy whose entries may be amended by themselves; their strings stay
 * m's, which must live as long.
 */
void manifest_share(struct manifest *copy, const struct manifest *m);
/* Takes over what m, read against base, shares with it; base is empty then. */
void manifest_adopt(struct manifest *m, struct manifest *base);
/* Sorts, for a caller that did not add in order; lines are renumbered. */
void manifest_sort(struct manifest *m);
/*
 * Numbers the lines anew, for a caller that set chunks, copied with
 * manifest_add_chunks(), after the entry was added.
 */
void manifest_number(struct manifest *m);
const struct chunks *manifest_add_chunks(struct manifest *m,
	const struct chunks *c);
void manifest_finish(struct manifest *m);

/* The entry of that path, or NULL. */
struct entry *manifest_find(const struct manifest *m, const char *path);
/* The entry of that line number, or NULL (a chunk's, or none). */
struct entry *manifest_line(const struct manifest *m, uint32_t line);
/*
 * The entry that this line belongs to, or NULL; *chunk becomes the number of
 * the entry's chunk whose line it is, MANIFEST_NO_CHUNK for the entry's own.
 * An entry that lost its chunks to an amend keeps their lines: the number may
 * be more than it has.
 */
#define MANIFEST_NO_CHUNK UINT32_MAX
struct entry *manifest_at(const struct manifest *m, uint32_t line,
	uint32_t *chunk);

/* The length of chunk i of a file. */
uint32_t chunk_length(const struct entry *e, uint32_t i);
/* Lines of an entry, its chunks' included. */
uint32_t entry_lines(const struct entry *e);

/* Adds the whole text, or one entry's own line with its LF. */
void manifest_write(const struct manifest *m, struct buf *out);
void manifest_write_entry(const struct entry *e, struct buf *out);
/* The line of chunk i, and the text's last line. */
void manifest_write_chunk(const struct entry *e, uint32_t i, struct buf *out);
void manifest_write_end(const struct manifest *m, struct buf *out);

/*
 * Gives the whole text to fn, in pieces of some 64 KiB; stops at a return
 * other than 0, which becomes its own.
 */
typedef int manifest_text_fn(const char *data, size_t len, void *arg);
int manifest_text(const struct manifest *m, manifest_text_fn *fn, void *arg);

/* Files and the bytes in them, INT64_MAX if that is more. */
void manifest_count(const struct manifest *m, uint64_t *files, uint64_t *bytes);

/* Equal in all but the line number and how they are divided into chunks. */
bool entry_equal(const struct entry *a, const struct entry *b);

/*
 * Walks two manifests side by side in order: each path once, with its entry
 * in either, NULL where it has none.  Stops at a return other than 0.
 */
typedef int manifest_pair_fn(const struct entry *a, const struct entry *b,
	void *arg);
int manifest_pairs(const struct manifest *a, const struct manifest *b,
	manifest_pair_fn *fn, void *arg);

/*
 * Adds the difference that turns base into m: "=N" keeps the next N lines of
 * base's text, "-N" drops them, any other line is inserted, then the end line.
 * Chunk lines count and are kept, dropped and inserted like all others.
 */
void manifest_difference(const struct manifest *base, const struct manifest *m,
	struct buf *out);
/* The same as manifest_text() gives it. */
int manifest_difference_text(const struct manifest *base,
	const struct manifest *m, manifest_text_fn *fn, void *arg);

/*
 * Reading, in pieces of any size.  What is kept of a base points to what the
 * base's entries do: it must live as long, or be adopted.
 */
struct manifest_reader {
	struct manifest *m;
	const struct manifest *base; /* of a difference, else NULL */
	size_t next;                 /* the base's next entry */
	uint32_t next_line;          /* of its lines: 0 is its own */
	uint64_t most_entries;       /* 0: no limit */
	uint64_t most_bytes;         /* of text; 0, as it is at first: none */
	uint64_t bytes;              /* so far */
	struct chunk *chunks;        /* of the last file, so far */
	size_t n_chunks, cap_chunks;
	uint64_t chunk_bytes; /* in them */
	struct buf rest;      /* of an unfinished line */
	bool believes;        /* the end line's tree id; set after _init() */
	bool ended;           /* the end line was read and agreed */
};

void manifest_reader_init(struct manifest_reader *r, struct manifest *m,
	const struct manifest *base, uint64_t most_entries);
/*
 * Checks every rule above, and the tree id at the end line unless that is
 * believed: it takes as long as the rest, and is in vain where the text is
 * known by its own digest, or is read once more.  Bytes behind the end line
 * are an error.  Whether all has come is r->ended.
 */
int manifest_reader_add(struct manifest_reader *r, const char *data, size_t len,
	struct error *err);
void manifest_reader_release(struct manifest_reader *r);

/* Parses one entry's line (no LF), as an amend frame carries. */
int manifest_parse_entry(struct manifest *m, const char *line, size_t len,
	struct entry *e, struct error *err);

/*
 * Reads fd to its end: the whole text, or the difference to base if that is
 * not NULL.  digest becomes the SHA-256 of what was read.
 */
int manifest_read(struct manifest *m, const struct manifest *base, int fd,
	uint8_t digest[static DIGEST_SIZE], struct error *err);

/*
 * The same of a whole text for who holds the digest against a known one: the
 * tree id is believed.
 */
int manifest_read_known(struct manifest *m, int fd,
	uint8_t digest[static DIGEST_SIZE], struct error *err);

/*
 * Gives the entries of a whole text one after the other, each up to the next
 * and without chunks, and holds none.  Stops at a return other than 0, which
 * is -1.  Only the digest tells if it is a manifest: nothing else is checked.
 */
typedef int manifest_entry_fn(const struct entry *e, void *arg);
int manifest_entries(int fd, manifest_entry_fn *fn, void *arg,
	uint8_t digest[static DIGEST_SIZE], struct error *err);

/* Reads a whole text at once. */
int manifest_parse(struct manifest *m, const char *text, size_t len,
	struct error *err);

#endif
