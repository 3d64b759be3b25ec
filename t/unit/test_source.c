#include "tree/source.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/log.h"
#include "unit.h"

/* What the last archive gave, and the archive that is being made. */
static struct source_options options;
static struct source source;
static struct manifest m;
static struct scan_result result;
static struct error err;
static char *commit;
static struct buf tar, text;

static void
begin(void)
{
	int fd = unit_dir();

	close(fd);
	memset(&options, 0, sizeof(options));
	log_set_level(LOG_QUIET);
}

static int
take(const char *name)
{
	source_release(&source);
	manifest_release(&m);
	scan_result_release(&result);
	free(commit);
	options.name = name;
	return source_archive(&source, &options, &m, &result, &commit, &err);
}

/* One line an entry: "d 755 a", "f 644 3 a/b", "l a/b b". */
static const char *
listed(void)
{
	size_t i;

	buf_clear(&text);
	for (i = 0; i < m.n; i++) {
		const struct entry *e = &m.v[i];

		if (e->type == ENTRY_LINK)
			buf_addf(&text, "l %s %s\n", e->target, e->path);
		else if (e->type == ENTRY_FILE)
			buf_addf(&text, "f %o %d %s\n", e->mode, (int)e->size,
				e->path);
		else
			buf_addf(&text, "d %o %s\n", e->mode, e->path);
	}
	return buf_str(&text);
}

static const char *
taken(const char *name)
{
	ck_assert_msg(take(name) == 0, "%s", err.text);
	return listed();
}

/* Every file's bytes, read back, are as the manifest says. */
static void
check_bytes(void)
{
	struct digest *d = digest_new();
	uint8_t found[DIGEST_SIZE];
	size_t i;

	for (i = 0; i < m.n; i++) {
		const struct entry *e = &m.v[i];
		char *data = malloc(e->size + 1);
		struct source_file f;

		if (e->type == ENTRY_FILE) {
			ck_assert_msg(source_open(&source, &m, e, 0, &f,
					      &err) == 0,
				"%s", err.text);
			ck_assert_int_eq(source_read(&f, data, e->size),
				(ssize_t)e->size);
			source_close(&f);
			digest_bytes(data, e->size, found);
			ck_assert_mem_eq(found, e->digest, DIGEST_SIZE);
		}
		free(data);
	}
	digest_free(d);
}

/* The first bytes of a file of the archive, as a string. */
static const char *
contents(const char *path)
{
	static char data[100];
	const struct entry *e = manifest_find(&m, path);
	struct source_file f;

	ck_assert_ptr_nonnull(e);
	ck_assert_uint_lt(e->size, sizeof(data));
	ck_assert_msg(source_open(&source, &m, e, 0, &f, &err) == 0, "%s",
		err.text);
	ck_assert_int_eq(source_read(&f, data, e->size), (ssize_t)e->size);
	data[e->size] = '\0';
	source_close(&f);
	return data;
}

static void
run(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* A member, its header by hand, for what no program would write. */
static void
member(const char *name, char type, unsigned mode, const char *link,
	const char *data, size_t len)
{
	char h[512] = "";
	unsigned sum = 0;
	size_t i;

	memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
	snprintf(h + 100, 8, "%07o", mode);
	snprintf(h + 124, 12, "%011o", (unsigned)len);
	snprintf(h + 136, 12, "%011o", 0U);
	memset(h + 148, ' ', 8);
	h[156] = type;
	memcpy(h + 157, link, strlen(link));
	memcpy(h + 257, "ustar\00000", 8);
	for (i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 7, "%06o", sum);
	buf_add(&tar, h, sizeof(h));
	memset(h, 0, sizeof(h));
	buf_add(&tar, data, len);
	buf_add(&tar, h, (512 - len % 512) % 512);
}

static void
file(const char *name, const char *data)
{
	member(name, '0', 0644, "", data, strlen(data));
}

static void
save(const char *name, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_full(fd, tar.data, len), 0);
	close(fd);
}

/* Ends the archive, and saves it as a.tar. */
static void
end(void)
{
	static const char zeros[1024];

	buf_add(&tar, zeros, sizeof(zeros));
	save("a.tar", tar.len);
	buf_clear(&tar);
}

/* The archive is refused for n members, of which this is the first. */
static void
ck_several(int n, const char *first)
{
	char want[512];

	snprintf(want, sizeof(want),
		"%d paths cannot be deployed, %s among them", n, first);
	end();
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_str_eq(err.text, want);
}

/* The archive is refused for one member. */
static void
ck_refused(const char *why)
{
	static const char said[] = "this cannot be deployed: ";

	end();
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert(!strncmp(err.text, said, strlen(said)));
	ck_assert_str_eq(err.text + strlen(said), why);
	ck_assert_int_eq(err.status, STATUS_LOCAL);
}

static void
make_tree(void)
{
	run("mkdir -p tree/dir/empty && echo hello >tree/dir/file && "
	    "echo run >tree/run && chmod 700 tree/run && : >tree/nothing && "
	    "ln -s dir/file tree/link && chmod 750 tree/dir && "
	    "seq 300000 >tree/large");
}

static const char tree_listing[] = "d 755 dir\n"
				   "d 755 dir/empty\n"
				   "f 644 6 dir/file\n"
				   "f 644 1988895 large\n"
				   "l dir/file link\n"
				   "f 644 0 nothing\n"
				   "f 755 4 run\n";

START_TEST(an_archive_of_every_form_and_filter_is_read)
{
	static const char *const commands[] = {
		"tar -C tree --format=gnu -cf a.tar .",
		"tar -C tree --format=pax -cf a.tar .",
		"tar -C tree --format=ustar -cf a.tar .",
		"tar -C tree --format=v7 -cf a.tar .",
		"tar -C tree -czf a.tar .",
		"tar -C tree -cf - . | zstd -q >a.tar",
		"tar -C tree -cf - . | xz -0 >a.tar",
		"tar -C tree -cf - . | bzip2 -1 >a.tar",
		"cd tree && tar -cf ../a.tar *",
		"cd tree && tar -cf ../a.tar run l* n* dir/file dir/empty",
	};
	size_t i;

	begin();
	make_tree();
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		run(commands[i]);
		ck_assert_str_eq(taken("a.tar"), tree_listing);
		check_bytes();
		ck_assert_str_eq(contents("dir/file"), "hello\n");
		ck_assert_ptr_null(commit);
		ck_assert_uint_eq(result.files, 4);
		ck_assert_uint_eq(result.bytes, 1988905);
		ck_assert_uint_eq(result.hashed, 1988905);
	}
}
END_TEST

/* The same tree as a directory and as an archive is one tree. */
START_TEST(a_tree_has_one_id_from_directory_and_archive)
{
	struct scan_options o = { .path = "tree" };
	struct manifest scanned = MANIFEST_INIT;
	struct scan_result r;
	struct buf a = BUF_INIT, b = BUF_INIT;

	begin();
	make_tree();
	run("seq 1000000 1300000 >tree/large && seq 100 200 >tree/larger && "
	    "cat tree/large tree/large >>tree/larger");
	run("mkdir -p tree/.git tree/wanted && echo x >tree/.git/config && "
	    "echo '*.o' >tree/.gitignore && : >tree/.deployignore && "
	    ": >tree/wanted/.gitignore && : >tree/.gitkeep");
	o.dirfd = open("tree", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(scan_tree(&o, &scanned, &r, &err), 0);
	run("tar -C tree -cf a.tar .");
	taken("a.tar");
	ck_assert_mem_eq(m.id, scanned.id, DIGEST_SIZE);
	/* They are divided into the same chunks, too. */
	ck_assert_uint_gt(m.lines, m.n + 50);
	manifest_write(&scanned, &a);
	manifest_write(&m, &b);
	ck_assert_str_eq(a.data, b.data);
	manifest_release(&scanned);
	scan_result_release(&r);
	buf_release(&a);
	buf_release(&b);
	close(o.dirfd);
}
END_TEST

START_TEST(standard_input_is_read_from_a_pipe)
{
	int p[2];

	begin();
	make_tree();
	run("tar -C tree -cf a.tar . && mkfifo pipe && "
	    "{ (head -c 700; sleep 0.2; cat) <a.tar >pipe & }");
	p[0] = open("pipe", O_RDONLY);
	ck_assert_int_eq(dup2(p[0], 0), 0);
	close(p[0]);
	ck_assert_str_eq(taken("-"), tree_listing);
	check_bytes();
	ck_assert_int_eq(fcntl(0, F_GETFD), 0);
}
END_TEST

static int asked;

static bool
stop_soon(void *arg)
{
	return ++asked > 2;
}

START_TEST(waiting_for_a_pipe_can_be_interrupted)
{
	int p[2];

	begin();
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(dup2(p[0], 0), 0);
	options.stop = stop_soon;
	ck_assert_int_eq(take("-"), -1);
	ck_assert_int_eq(err.status, STATUS_INT);
}
END_TEST

static uint64_t last_files, last_bytes;

static void
note_progress(void *arg, uint64_t files, uint64_t bytes)
{
	ck_assert_uint_ge(bytes, last_bytes);
	last_files = files;
	last_bytes = bytes;
}

START_TEST(progress_is_told)
{
	begin();
	make_tree();
	run("tar -C tree -cf a.tar .");
	options.progress = note_progress;
	taken("a.tar");
	ck_assert_uint_gt(last_bytes, 1000000);
}
END_TEST

START_TEST(hard_links_become_files)
{
	begin();
	run("mkdir tree && echo one >tree/a && ln tree/a tree/b && "
	    "ln tree/a tree/.c && tar -C tree -cf a.tar ./b ./a ./.c");
	ck_assert_str_eq(taken("a.tar"), "f 644 4 .c\nf 644 4 a\nf 644 4 b\n");
	check_bytes();
	ck_assert_str_eq(contents("a"), "one\n");
	/* A link to a link, and one to a symbolic link. */
	file("z", "last");
	member("y", '1', 0644, "z", "", 0);
	member("x", '1', 0644, "./y", "", 0);
	member("s", '2', 0777, "z", "", 0);
	member("t", '1', 0777, "s", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"),
		"l z s\nl z t\nf 644 4 x\nf 644 4 y\nf 644 4 z\n");
	ck_assert_str_eq(contents("x"), "last");
}
END_TEST

START_TEST(a_hard_link_to_no_earlier_file_is_refused)
{
	static const char *const targets[] = { "later", "d", "none", "self",
		"/etc/passwd", "../out" };
	char expected[100];
	size_t i;

	begin();
	for (i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		member("d/", '5', 0755, "", "", 0);
		member("self", '1', 0644, targets[i], "", 0);
		file("later", "x");
		snprintf(expected, sizeof(expected),
			"self: a hard link to no earlier file of the archive");
		ck_refused(expected);
	}
}
END_TEST

START_TEST(what_stands_twice_is_refused)
{
	begin();
	file("a", "1");
	file("b", "1");
	file("a", "1");
	ck_refused("a: more than once in the archive");
	member("a", '2', 0777, "b", "", 0);
	member("a/", '5', 0755, "", "", 0);
	ck_refused("a: more than once in the archive");
	file("./a", "1");
	file("a", "1");
	file("a", "1");
	ck_several(2, "a: more than once in the archive");
	member("a", '5', 0755, "", "", 0);
	member("./a//", '5', 0700, "", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"), "d 755 a\n");
	options.exact_modes = true;
	ck_assert_int_eq(take("a.tar"), -1);
}
END_TEST

START_TEST(nothing_is_below_a_file)
{
	begin();
	file("a/b/c", "1");
	file("a/b", "1");
	file("a-b", "1");
	ck_refused("a/b/c: below what is no directory in the archive");
	member("a", '2', 0777, "b", "", 0);
	file("a/x", "1");
	file("a/y/z", "1");
	ck_several(2, "a/x: below what is no directory in the archive");
}
END_TEST

START_TEST(missing_directories_are_added)
{
	begin();
	options.exact_modes = true;
	file("b/c/d", "1");
	file("a/b", "1");
	member("b/", '5', 0700, "", "", 0);
	file("b-c/d", "1");
	end();
	ck_assert_str_eq(taken("a.tar"),
		"d 755 a\nf 644 1 a/b\nd 700 b\nd 755 b/c\nf 644 1 b/c/d\n"
		"d 755 b-c\nf 644 1 b-c/d\n");
}
END_TEST

START_TEST(paths_that_leave_the_tree_are_refused)
{
	static const struct {
		const char *path, *why;
	} bad[] = {
		{ "../x", "../x: a component is . or .." },
		{ "a/../x", "a/../x: a component is . or .." },
		{ "a/..", "a/..: a component is . or .." },
		{ "..", "..: a component is . or .." },
		{ "a/./x", "a/./x: a component is . or .." },
		{ "/abs", "/abs: an absolute path" },
		{ ".//abs/../x", "abs/../x: a component is . or .." },
		{ "a//b", "a//b: an empty component" },
		{ "a\nb", "a\nb: a control character" },
		{ ".", ".: a component is . or .." },
	};
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		file(bad[i].path, "x");
		ck_refused(bad[i].why);
	}
	member("/", '5', 0755, "", "", 0);
	ck_refused("/: an absolute path");
	member("../", '5', 0755, "", "", 0);
	ck_refused("..: a component is . or ..");
	file("ok", "x");
	file("../x", "x");
	file("/y", "x");
	ck_several(2, "../x: a component is . or ..");
	ck_assert_ptr_nonnull(strstr(err.hint, "--exclude"));
}
END_TEST

START_TEST(devices_and_set_id_bits_are_refused)
{
	begin();
	member("dev", '3', 0644, "", "", 0);
	ck_refused("dev: a device");
	member("dev", '4', 0644, "", "", 0);
	ck_refused("dev: a device");
	member("p", '6', 0644, "", "", 0);
	ck_refused("p: a fifo");
	member("su", '0', 04755, "", "x", 1);
	ck_refused("su: a set-user or set-group bit");
	member("sg", '0', 02755, "", "x", 1);
	ck_refused("sg: a set-user or set-group bit");
	member("d/", '5', 02755, "", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"), "d 755 d\n");
	options.exact_modes = true;
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_str_eq(err.text,
		"this cannot be deployed: d: a set-user or set-group bit");
}
END_TEST

START_TEST(targets_of_links_are_carried_or_refused)
{
	begin();
	member("l", '2', 0777, "", "", 0);
	ck_refused("l: an empty target");
	member("l", '2', 0777, "a\tb", "", 0);
	ck_refused("l: a control character in its target");
	member("l", '2', 0777, "/etc/../x//", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"), "l /etc/../x// l\n");
	/* A GNU long target of more bytes than a target may have. */
	buf_clear(&text);
	while (text.len < 4096)
		buf_addstr(&text, "l");
	member("././@LongLink", 'K', 0644, "", text.data, 4096);
	member("l", '2', 0777, "l", "", 0);
	ck_refused("l: its target is longer than 4095 bytes");
	member("././@LongLink", 'K', 0644, "", text.data, 4095);
	member("l", '2', 0777, "l", "", 0);
	end();
	ck_assert_int_eq(take("a.tar"), 0);
	ck_assert_uint_eq(strlen(m.v[0].target), 4095);
}
END_TEST

START_TEST(exact_modes_are_carried)
{
	begin();
	member("a", '0', 0600, "", "", 0);
	member("b", '0', 01777, "", "", 0);
	member("c/", '5', 0711, "", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"), "f 644 0 a\nf 755 0 b\nd 755 c\n");
	options.exact_modes = true;
	ck_assert_str_eq(taken("a.tar"), "f 600 0 a\nf 777 0 b\nd 711 c\n");
	ck_assert(source.exact_modes);
}
END_TEST

START_TEST(version_control_and_deploys_own_files_are_left_out)
{
	static const char *const in[] = { ".gitkeep", "CVS", "a/deploy.conf",
		".git-x", ".github/x" };
	static const char *const out[] = { ".git/config", "a/.svn/x", "a/CVS/y",
		".gitignore", "a/.gitattributes", ".gitmodules",
		".deployignore", "a/.deployignore", "deploy.conf", "sub/.git",
		".git/bad\nname" };
	size_t i;

	begin();
	member(".git/", '5', 0755, "", "", 0);
	for (i = 0; i < sizeof(out) / sizeof(*out); i++)
		file(out[i], "x");
	for (i = 0; i < sizeof(in) / sizeof(*in); i++)
		file(in[i], "x");
	end();
	ck_assert_str_eq(taken("a.tar"),
		"f 644 1 .git-x\nd 755 .github\nf 644 1 .github/x\n"
		"f 644 1 .gitkeep\nf 644 1 CVS\nd 755 a\n"
		"f 644 1 a/deploy.conf\n");
}
END_TEST

START_TEST(ignore_files_have_no_say)
{
	begin();
	file(".gitignore", "*\n");
	file(".deployignore", "*\n");
	file("a", "x");
	end();
	ck_assert_str_eq(taken("a.tar"), "f 644 1 a\n");
}
END_TEST

START_TEST(long_and_strange_names_are_kept_as_bytes)
{
	static const char *const locales[] = { "C", "C.UTF-8" };
	static const char *const formats[] = { "gnu", "pax" };
	char command[200];
	size_t i;

	begin();
	/* NFD, which must not become NFC, and Latin-1. */
	run("d=$(printf '%0200d' 1); mkdir -p tree/$d/$d && "
	    "echo x >tree/$d/$d/f && cd tree && "
	    "for n in caf\303\251 cafe\314\201 \344\270\255 lat\351 'a b'; do "
	    "echo \"$n\" >\"$n\"; ln -s \"$n\" \"l$n\"; ln \"$n\" \"h$n\"; "
	    "done");
	for (i = 0; i < 4; i++) {
		ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[i / 2]));
		snprintf(command, sizeof(command),
			"tar -C tree --format=%s -cf a.tar .", formats[i % 2]);
		run(command);
		ck_assert_msg(take("a.tar") == 0, "%s", err.text);
		ck_assert_uint_eq(m.n, 18);
		ck_assert_uint_eq(strlen(m.v[2].path), 403);
		ck_assert_str_eq(contents("caf\303\251"), "caf\303\251\n");
		ck_assert_str_eq(contents("cafe\314\201"), "cafe\314\201\n");
		ck_assert_str_eq(contents("\344\270\255"), "\344\270\255\n");
		ck_assert_str_eq(contents("lat\351"), "lat\351\n");
		ck_assert_str_eq(contents("hcafe\314\201"), "cafe\314\201\n");
		ck_assert_str_eq(contents("hlat\351"), "lat\351\n");
		ck_assert_str_eq(manifest_find(&m, "lcafe\314\201")->target,
			"cafe\314\201");
		ck_assert_str_eq(setlocale(LC_ALL, NULL), locales[i / 2]);
	}
}
END_TEST

START_TEST(a_path_longer_than_4096_bytes_is_refused)
{
	begin();
	buf_clear(&text);
	while (text.len < 4097)
		buf_addstr(&text, text.len % 100 == 99 ? "/" : "p");
	member("././@LongLink", 'L', 0644, "", text.data, 4096);
	file("p", "x");
	end();
	ck_assert_int_eq(take("a.tar"), 0);
	member("././@LongLink", 'L', 0644, "", text.data, 4097);
	file("p", "x");
	end();
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, ": longer than 4096 bytes"));
}
END_TEST

START_TEST(sparse_files_are_read_in_full)
{
	static const char *const forms[] = { "gnu", "pax --sparse-version=0.0",
		"pax --sparse-version=0.1", "pax --sparse-version=1.0" };
	char command[200];
	uint8_t digest[DIGEST_SIZE];
	struct buf data = BUF_INIT;
	size_t i;

	begin();
	run("mkdir tree && truncate -s 300000 tree/s && "
	    "printf mid | dd of=tree/s bs=1 seek=100000 conv=notrunc status=none "
	    "&& truncate -s 500000 tree/hole && truncate -s 900000 tree/\303\251");
	ck_assert_int_eq(io_read_file(AT_FDCWD, "tree/s", 1000000, &data, &err),
		0);
	digest_bytes(data.data, data.len, digest);
	buf_release(&data);
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		snprintf(command, sizeof(command),
			"tar -C tree -S --format=%s -cf a.tar .", forms[i]);
		run(command);
		ck_assert_str_eq(taken("a.tar"),
			"f 644 500000 hole\nf 644 300000 s\n"
			"f 644 900000 \303\251\n");
		ck_assert_mem_eq(m.v[1].digest, digest, DIGEST_SIZE);
		check_bytes();
	}
}
END_TEST

/* Cut at `len` bytes, it is an error that names it. */
static void
ck_cut(const char *all, size_t len)
{
	struct buf data = BUF_INIT;
	int fd;

	ck_assert_int_eq(io_read_file(AT_FDCWD, all, 1 << 22, &data, &err), 0);
	ck_assert_uint_gt(data.len, len);
	fd = open("cut.tar", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_eq(io_write_full(fd, data.data, len), 0);
	close(fd);
	buf_release(&data);
	ck_assert_msg(take("cut.tar") == -1, "%s at %zu", all, len);
	ck_assert_msg(!strncmp(err.text, "cut.tar is ", 11), "%s at %zu: %s",
		all, len, err.text);
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	ck_assert_ptr_null(commit);
}

START_TEST(an_archive_that_is_cut_is_an_error)
{
	size_t i;

	begin();
	member("pax_global_header", 'g', 0644, "",
		"52 comment=0123456789012345678901234567890123456789\n", 52);
	file("a", "hello");
	member("d/", '5', 0755, "", "", 0);
	file("b", "world");
	end();
	/* Members end at 1024, 2048, 2560 and 3584. */
	for (i = 0; i <= 3584; i += 64)
		ck_cut("a.tar", i);
	run("gzip -k a.tar && zstd -q a.tar && xz -k a.tar && bzip2 -k a.tar");
	for (i = 0; i < 130; i += 13) {
		ck_cut("a.tar.gz", i);
		ck_cut("a.tar.zst", i);
		ck_cut("a.tar.xz", i);
		ck_cut("a.tar.bz2", i);
	}
}
END_TEST

START_TEST(a_cut_checksum_behind_the_end_is_an_error)
{
	struct stat st;

	begin();
	make_tree();
	run("tar -C tree -czf a.tgz .");
	ck_assert_int_eq(stat("a.tgz", &st), 0);
	ck_cut("a.tgz", (size_t)st.st_size - 1);
	ck_cut("a.tgz", (size_t)st.st_size - 8);
	ck_cut("a.tgz", (size_t)st.st_size / 2);
}
END_TEST

START_TEST(a_damaged_archive_is_an_error)
{
	begin();
	file("a", "x");
	file("b", "x");
	tar.data[1024 + 2] = 'X'; /* the checksum of b's header is wrong */
	end();
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "a.tar is damaged"));
	/* A pax header that says less of a name than it should. */
	member("x", 'x', 0644, "", "99 path=caf\303\251\n", 14);
	file("a", "x");
	end();
	ck_assert_int_eq(take("a.tar"), -1);
	/* A size that is negative. */
	member("x", 'x', 0644, "", "27 GNU.sparse.realsize=-12\n", 27);
	file("a", "x");
	end();
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_str_eq(err.text, "a.tar is damaged: the size of a");
	unit_write("text", "This is no archive, but a text.\n");
	ck_assert_int_eq(take("text"), -1);
	ck_assert_str_eq(err.text, "text is no tar archive");
	unit_write("empty", "");
	ck_assert_int_eq(take("empty"), -1);
	ck_assert_str_eq(err.text, "empty is empty, no tar archive");
	ck_assert_int_eq(take("none.tar"), -1);
	ck_assert_str_eq(err.text, "none.tar: No such file or directory");
	ck_assert_int_eq(take("."), -1);
	ck_assert_str_eq(err.text, "cannot read .: Is a directory");
}
END_TEST

START_TEST(an_empty_archive_is_an_empty_tree)
{
	uint8_t digest[DIGEST_SIZE];

	begin();
	digest_bytes("", 0, digest);
	run("tar -cf a.tar -T /dev/null");
	ck_assert_str_eq(taken("a.tar"), "");
	ck_assert_mem_eq(m.id, digest, DIGEST_SIZE);
	member("./", '5', 0755, "", "", 0);
	end();
	ck_assert_str_eq(taken("a.tar"), "");
}
END_TEST

static void
repository(const char *form)
{
	char command[600];

	snprintf(command, sizeof(command),
		"rm -rf r && git init -q %s r && cd r && echo x >f && "
		"echo '*.o' >.gitignore && mkdir d && echo y >d/g && "
		"git add . && git -c user.name=n -c user.email=e "
		"-c commit.gpgsign=false commit -qm m && "
		"git rev-parse HEAD | tr -d '\\n' >../commit",
		form);
	run(command);
}

START_TEST(the_commit_of_git_archive_is_found)
{
	static const char *const forms[] = { "", "--object-format=sha256" };
	size_t i;

	begin();
	unsetenv("GIT_DIR");
	unsetenv("GIT_INDEX_FILE");
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	for (i = 0; i < 2; i++) {
		repository(forms[i]);
		run("cd r && git archive HEAD >../a.tar && "
		    "git archive --format=tar.gz HEAD >../a.tgz && "
		    "git archive HEAD^{tree} >../t.tar");
		ck_assert_str_eq(taken("a.tar"),
			"d 755 d\nf 644 2 d/g\nf 644 2 f\n");
		ck_assert_str_eq(commit, unit_read("commit"));
		taken("a.tgz");
		ck_assert_str_eq(commit, unit_read("commit"));
		taken("t.tar");
		ck_assert_ptr_null(commit);
	}
}
END_TEST

START_TEST(only_a_commit_is_taken_for_one)
{
	static const char *const bodies[] = { "12 comment=x",
		"52 comment=0123456789012345678901234567890123456zzz\n",
		"51 comment=012345678901234567890123456789012345678\n",
		"99 comment=0123456789012345678901234567890123456789\n",
		"0 comment=0123456789012345678901234567890123456789\n",
		"52 comnent=0123456789012345678901234567890123456789\n",
		"-1 comment=0123456789012345678901234567890123456789\n", "52",
		"9\n", "" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		member("g", 'g', 0644, "", bodies[i], strlen(bodies[i]));
		file("a", "x");
		end();
		ck_assert_str_eq(taken("a.tar"), "f 644 1 a\n");
		ck_assert_msg(!commit, "%s", bodies[i]);
	}
	member("g", 'g', 0644, "",
		"9 a=bcde\n52 comment=0123456789012345678901234567890123456789\n",
		61);
	end();
	ck_assert_str_eq(taken("a.tar"), "");
	ck_assert_str_eq(commit, "0123456789012345678901234567890123456789");
}
END_TEST

START_TEST(secrets_and_build_systems_are_noticed)
{
	begin();
	file("package.json", "{}");
	file("sub/Makefile", "all:");
	file("a.pem", "-----BEGIN CERTIFICATE-----\n");
	file("b.pem", "-----BEGIN PRIVATE KEY-----\n");
	file("conf/.env", "A=b");
	file("conf/master.key", "0123456789abcdef\n");
	end();
	taken("a.tar");
	ck_assert_uint_eq(result.markers.n, 1);
	ck_assert_str_eq(result.markers.v[0], "package.json");
	ck_assert_uint_eq(result.secrets.n, 3);
	ck_assert_str_eq(result.secrets.v[0], "b.pem");
	ck_assert_str_eq(result.secrets.v[1], "conf/.env");
	ck_assert_str_eq(result.secrets.v[2], "conf/master.key");
}
END_TEST

START_TEST(the_spool_lies_in_tmpdir_without_a_name)
{
	begin();
	file("a", "x");
	end();
	ck_assert_int_eq(mkdir("spool", 0700), 0);
	setenv("TMPDIR", "spool", 1);
	taken("a.tar");
	ck_assert_int_eq(rmdir("spool"), 0);
	ck_assert_str_eq(contents("a"), "x");
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_str_eq(err.text,
		"cannot unpack a.tar into spool: No such file or directory");
	ck_assert_ptr_nonnull(strstr(err.hint, "TMPDIR"));
}
END_TEST

START_TEST(no_room_for_the_spool_is_said)
{
	struct rlimit limit = { 1000000, 1000000 };

	begin();
	make_tree();
	run("tar -C tree -czf a.tar .");
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	unsetenv("TMPDIR");
	ck_assert_int_eq(take("a.tar"), -1);
	ck_assert_str_eq(err.text,
		"cannot unpack a.tar into /tmp: File too large");
	ck_assert_ptr_nonnull(strstr(err.hint, "make room there"));
}
END_TEST

/* Several targets read at once, each at its own pace. */
START_TEST(opened_files_do_not_disturb_each_other)
{
	char x[6] = "", y[6] = "";
	struct source_file a, b;

	begin();
	file("a", "first");
	file("b", "other");
	end();
	taken("a.tar");
	ck_assert_int_eq(source_open(&source, &m, &m.v[0], 0, &a, &err), 0);
	ck_assert_int_eq(source_open(&source, &m, &m.v[1], 1, &b, &err), 0);
	ck_assert_int_eq(source_read(&a, x, 3), 3);
	ck_assert_int_eq(source_read(&b, y, 4), 4);
	ck_assert_int_eq(source_read(&a, x + 3, 2), 2);
	ck_assert_str_eq(x, "first");
	ck_assert_str_eq(y, "ther");
	source_close(&a);
	source_close(&b);
}
END_TEST

START_TEST(a_file_in_a_directory_that_was_replaced_is_found)
{
	struct entry e = { .path = "d/new", .type = ENTRY_FILE };
	struct entry old = { .path = "d/old", .type = ENTRY_FILE };
	struct source_file f;
	struct source s;
	int dir;

	begin();
	dir = open(".", O_RDONLY | O_DIRECTORY);
	run("mkdir d d2 && : >d/old && echo new >d2/new");
	source_directory(&s, dir, false);
	ck_assert_int_eq(source_open(&s, &m, &old, 0, &f, &err), 0);
	ck_assert(!f.settled); /* it is from just now */
	source_close(&f);
	s.since = INT64_MAX;
	ck_assert_int_eq(source_open(&s, &m, &old, 0, &f, &err), 0);
	ck_assert(f.settled);
	source_close(&f);
	run("mv d d1 && mv d2 d");
	ck_assert_msg(source_open(&s, &m, &e, 0, &f, &err) == 0, "%s",
		err.text);
	source_close(&f);
	ck_assert_int_eq(source_open(&s, &m, &old, 0, &f, &err), -1);
	ck_assert_str_eq(err.text, "d/old vanished while it was sent");
	source_release(&s);
	ck_assert_int_eq(fcntl(dir, F_GETFD), 0);
	close(dir);
}
END_TEST

START_TEST(what_was_kept_of_a_file_is_had_once)
{
	struct kept *kept = kept_new(100000);
	struct kept_file *k = kept_begin(kept, 4);
	struct source_file f;
	struct source s;
	char data[10] = "";
	int dir;

	begin();
	dir = open(".", O_RDONLY | O_DIRECTORY);
	run("printf on-disk >f");
	manifest_add(&m, &(struct entry){ .path = "f", .type = ENTRY_FILE });
	memcpy(k->data, "kept", 4);
	kept_add(kept, 0, k);
	source_directory(&s, dir, false);
	s.kept = kept;
	ck_assert_int_eq(source_open(&s, &m, m.v, 1, &f, &err), 0);
	ck_assert(f.settled); /* although f is from just now */
	ck_assert_uint_eq(f.size, 4);
	ck_assert_int_eq(source_read(&f, data, 2), 2);
	ck_assert_str_eq(data, "ep");
	ck_assert_int_eq(source_read(&f, data, 10), 1);
	ck_assert_int_eq(data[0], 't');
	ck_assert_int_eq(source_read(&f, data, 10), 0);
	source_close(&f);
	ck_assert_int_eq(source_open(&s, &m, m.v, 1, &f, &err), 0);
	ck_assert_uint_eq(f.size, 7);
	ck_assert_int_eq(source_read(&f, data, 10), 6);
	ck_assert_mem_eq(data, "n-disk", 6);
	source_close(&f);
	source_release(&s);
	kept_free(kept);
	close(dir);
}
END_TEST

static void
release(void)
{
	source_release(&source);
	manifest_release(&m);
	scan_result_release(&result);
	free(commit);
	commit = NULL;
	buf_release(&tar);
	buf_release(&text);
}

int
main(void)
{
	Suite *suite = suite_create("source");
	TCase *tc = tcase_create("source");

	source_directory(&source, -1, false);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, release);
	tcase_add_test(tc, an_archive_of_every_form_and_filter_is_read);
	tcase_add_test(tc, a_tree_has_one_id_from_directory_and_archive);
	tcase_add_test(tc, standard_input_is_read_from_a_pipe);
	tcase_add_test(tc, waiting_for_a_pipe_can_be_interrupted);
	tcase_add_test(tc, progress_is_told);
	tcase_add_test(tc, hard_links_become_files);
	tcase_add_test(tc, a_hard_link_to_no_earlier_file_is_refused);
	tcase_add_test(tc, what_stands_twice_is_refused);
	tcase_add_test(tc, nothing_is_below_a_file);
	tcase_add_test(tc, missing_directories_are_added);
	tcase_add_test(tc, paths_that_leave_the_tree_are_refused);
	tcase_add_test(tc, devices_and_set_id_bits_are_refused);
	tcase_add_test(tc, targets_of_links_are_carried_or_refused);
	tcase_add_test(tc, exact_modes_are_carried);
	tcase_add_test(tc, version_control_and_deploys_own_files_are_left_out);
	tcase_add_test(tc, ignore_files_have_no_say);
	tcase_add_test(tc, long_and_strange_names_are_kept_as_bytes);
	tcase_add_test(tc, a_path_longer_than_4096_bytes_is_refused);
	tcase_add_test(tc, sparse_files_are_read_in_full);
	tcase_add_test(tc, an_archive_that_is_cut_is_an_error);
	tcase_add_test(tc, a_cut_checksum_behind_the_end_is_an_error);
	tcase_add_test(tc, a_damaged_archive_is_an_error);
	tcase_add_test(tc, an_empty_archive_is_an_empty_tree);
	tcase_add_test(tc, the_commit_of_git_archive_is_found);
	tcase_add_test(tc, only_a_commit_is_taken_for_one);
	tcase_add_test(tc, secrets_and_build_systems_are_noticed);
	tcase_add_test(tc, the_spool_lies_in_tmpdir_without_a_name);
	tcase_add_test(tc, no_room_for_the_spool_is_said);
	tcase_add_test(tc, opened_files_do_not_disturb_each_other);
	tcase_add_test(tc, a_file_in_a_directory_that_was_replaced_is_found);
	tcase_add_test(tc, what_was_kept_of_a_file_is_had_once);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
