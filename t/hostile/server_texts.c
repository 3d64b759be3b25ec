/* Texts that are to leave a terminal alone; archives that are none. */
#include <stdio.h>
#include <string.h>

#include "server.h"

#define ID "20261124T124051Z-34754b14"
#define TREE "34754b1499e25e42d126ebfb9539ecc87546eb8abc79cf74ebb048f932847c57"
#define NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ESC "\033]0;x\007\033[2J\233m"
/* In UTF-8, which JSON keeps: the same, and what turns the text around. */
#define C1 "\302\233m\342\200\256"

/* Every text field of the answers, with escapes in it. */
static const struct {
	const char *words;
	struct say v[SAYS_MOST];
	int status;
} texts[] = {
	{ "push -C tree local:x",
		{ { ".note", ESC }, { ".log", ESC "\n" },
			{ ".stage", "name " ESC "\n" },
			{ "result", "status 4\nerror " ESC "\n" } },
		4 },
	{ "push -v -C tree local:x",
		{ { "live",
			  "release " ESC "\ngit-commit " ESC
			  "\ngit-subject " ESC "\n" },
			{ "send", "what full\nreason " ESC "\n" },
			{ "need-end", "reason " ESC "\n" },
			{ "result",
				"status 7\nstage " ESC "\nerror x\nlive " ESC
				"\n" } },
		7 },
	{ "push --json -C tree local:x",
		{ { ".note", ESC }, { ".log", ESC "\n" },
			{ "result",
				"status 4\nerror " ESC "\nhint " ESC
				"\nlive " ESC "\n" } },
		4 },
	{ "push -C tree local:x",
		{ { "live", "" }, { "need-end", "" },
			{ "result",
				"outcome deployed\nrelease " ESC
				"\nprevious " ESC "\nlive " ESC "\n" } },
		0 },
	{ "releases local:x",
		{ { "release",
			  "id " ESC "\nstate " ESC "\nby " ESC
			  "\ngit-branch " ESC "\ngit-subject " ESC
			  "\nreason " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "releases --json local:x",
		{ { "release",
			  "id " ESC "\nstate " ESC "\nby " ESC
			  "\ngit-branch " ESC "\ngit-subject " ESC
			  "\nreason " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "status local:x",
		{ { "status",
			  "app " ESC "\nexists yes\nlive " ESC "\nprevious " ESC
			  "\nbusy " ESC "\nmore " ESC "\nversion " ESC
			  "\napps " ESC "\n" },
			{ "release", "id " ESC "\nlive yes\nreason " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "status --json local:x",
		{ { "status",
			  "app " ESC "\nexists yes\nlive " ESC "\nprevious " ESC
			  "\nbusy " ESC "\nmore " ESC "\nversion " ESC
			  "\napps " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "prune local:x",
		{ { "dropped", "release " ESC "\n" },
			{ "result", "outcome pruned\n" } },
		0 },
	{ "rollback local:x",
		{ { ".stage", "name " ESC "\n" }, { ".log", ESC "\n" },
			{ "result",
				"outcome rolled-back\nrelease " ESC
				"\nprevious " ESC "\n" } },
		0 },
	{ "env list local:x",
		{ { "variable", "A" ESC }, { "result", "outcome answered\n" } },
		6 },
	{ "env list local:x",
		{ { "variable", "A=" ESC },
			{ "result", "outcome answered\n" } },
		0 },
	{ "run local:x -- true",
		{ { ".log", ESC "\n" }, { ".note", ESC },
			{ "result", "outcome ran\n" } },
		0 },
	{ "push -q -C tree local:x",
		{ { "live", "" }, { "need-end", "" }, { ".log", ESC "\n" },
			{ "result",
				"status 7\nstage build\nerror " ESC "\n" } },
		7 },
	{ "verify local:x",
		{ { "fault",
			  "release " ESC "\nchange " ESC "\npath " ESC
			  "\nhow " ESC "\n" },
			{ "result", "outcome answered\nrelease " ESC "\n" } },
		1 },
	{ "fsck local:x",
		{ { "fault",
			  "release " ESC "\nchange " ESC "\npath " ESC
			  "\nhow " ESC "\nrepair " ESC "\nadvice " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "doctor local:x",
		{ { "finding", "name " ESC "\nstate " ESC "\ntext " ESC "\n" },
			{ "result", "outcome answered\n" } },
		0 },
	{ "log local:x",
		{ { ".log", ESC "\n" },
			{ "result", "outcome answered\nrelease " ESC "\n" } },
		0 },
	{ "logs local:x",
		{ { "output", ESC "\n" }, { "result", "outcome answered\n" } },
		0 },
	{ "verify --json local:x",
		{ { "fault",
			  "release " C1 "\nchange " C1 "\npath " C1 "\nhow " C1
			  "\n" },
			{ "result", "outcome answered\nrelease " C1 "\n" } },
		1 },
	{ "push --json -C tree local:x",
		{ { ".note", C1 }, { ".log", C1 "\n" },
			{ "result",
				"status 4\nerror " C1 "\nhint " C1 "\nlive " C1
				"\n" } },
		4 },
};

static void
escapes(void)
{
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		against(texts[i].words, texts[i].v, texts[i].status, "",
			"escapes: %s, case %zu", texts[i].words, i);
}

/* A release, the text of its manifest, and the bytes of its files. */
struct archive {
	const char *name, *release, *text, *files;
	int status;
	const char *says;
};

static const struct archive archives[] = {
	{ "another release", "id 20261124T124052Z-34754b14\ntree " TREE "\n",
		NULL, NULL, 6, "another release than" },
	{ "no ID", "tree " TREE "\n", NULL, NULL, 6, "another release than" },
	{ "an ID with escapes", "id " ID "\033c\ntree " TREE "\n", NULL, NULL,
		6, "another release than" },
	{ "an ID of another tree", "id " ID "\ntree " NONE "\n", NULL, NULL, 6,
		"another release than" },
	{ "no tree", "id " ID "\n", NULL, NULL, 6, "another release than" },
	{ "another tree", "id " ID "\ntree " TREE "\n", "end\t" NONE "\n", NULL,
		6, "another tree than" },
	{ "a path upward", "id " ID "\ntree " TREE "\n",
		"f\t644\t0\t" NONE "\t../x\nend\t" NONE "\n", NULL, 6,
		". or .." },
	{ "an absolute path", "id " ID "\ntree " TREE "\n",
		"f\t644\t0\t" NONE "\t/etc/x\nend\t" NONE "\n", NULL, 6,
		"an empty component" },
	{ "a path with escapes", "id " ID "\ntree " TREE "\n",
		"f\t644\t0\t" NONE "\t\033c\nend\t" NONE "\n", NULL, 6,
		"a control character" },
	{ "a file below a link", "id " ID "\ntree " TREE "\n",
		"l\t/etc\ta\nf\t644\t0\t" NONE "\ta/x\nend\t" NONE "\n", NULL,
		6, "no directory line" },
	{ "a difference", "id " ID "\ntree " TREE "\n", "=1\nend\t" NONE "\n",
		NULL, 6, "a malformed difference" },
	{ "no end", "id " ID "\ntree " TREE "\n", "f\t644\t0\t" NONE "\tx\n",
		NULL, 6, "did not send all" },
	{ "more behind the end", "id " ID "\ntree " TREE "\n",
		"end\t" NONE "\nx", NULL, 6, "" },
	{ "files before the manifest", "id " ID "\ntree " TREE "\n", NULL, "x",
		6, "before their manifest" },
};

static void
packed(struct buf *out, const char *type, const char *text)
{
	struct buf b = BUF_INIT;

	talk_pack(&b, text, strlen(text));
	talk_stream(out, type, &b);
	buf_release(&b);
}

static void
fetch_bytes(const struct archive *a)
{
	struct buf b = BUF_INIT;

	buf_addstr(&b, MAGIC);
	talk_line(&b, "hello", "version 1\n");
	talk_line(&b, "release", a->release);
	if (a->text)
		packed(&b, "manifest", a->text);
	if (a->files)
		packed(&b, "files", a->files);
	talk_line(&b, "result", "outcome answered\n");
	against_bytes("fetch -O got local:x " ID, &b, a->status, a->says,
		"fetch: %s", a->name);
	buf_release(&b);
}

void
server_texts(void)
{
	size_t i;

	escapes();
	for (i = 0; i < COUNT(archives); i++)
		fetch_bytes(&archives[i]);
}
