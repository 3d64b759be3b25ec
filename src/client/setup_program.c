#include "client/setup_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/strv.h"
#include "client/elf.h"

#define PROGRAM_MOST (256 << 20)

void
setup_program_release(struct setup_program *p)
{
	free(p->path);
	buf_release(&p->data);
	memset(p, 0, sizeof(*p));
}

static int
wrong_machine(const char *path, const struct elf *e, const char *machine,
	struct error *err)
{
	return error_status(err, STATUS_REFUSED, "%s is for %s, not for %s",
		path, elf_machine(e), machine);
}

/* Takes the file if it can run there. */
static int
load(struct setup_program *p, const char *path, bool given, const char *machine,
	struct error *err)
{
	uint8_t hash[DIGEST_SIZE];
	struct elf e;

	if (io_read_file(AT_FDCWD, path, PROGRAM_MOST, &p->data, err) < 0)
		return -1;
	errno = ENOEXEC;
	if (elf_parse(&e, buf_str(&p->data), p->data.len) < 0)
		error_set(err, "%s is no program", path);
	else if (!elf_fits(&e, machine))
		wrong_machine(path, &e, machine, err);
	else if (e.dynamic && !given)
		error_set(err, "%s needs libraries that may not be there",
			path);
	else {
		digest_bytes(p->data.data, p->data.len, hash);
		digest_to_hex(hash, p->hex);
		p->path = mem_strdup(path);
		return 0;
	}
	buf_clear(&p->data);
	return -1;
}

/* Where we are, with the slash. */
static char *
our_directory(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	return mem_strndup(self, slash ? (size_t)(slash + 1 - self) : 0);
}

static void
list_places(struct strv *places, const char *machine)
{
	char *here = our_directory();

	strv_take(places,
		mem_printf("%s../lib/deploy/deployd-%s", here, machine));
	strv_take(places, mem_printf("%sstatic/deployd", here));
	strv_take(places, mem_printf("%sdeployd", here));
	free(here);
}

static int
search(struct setup_program *p, const char *machine, struct error *err)
{
	struct strv places = STRV_INIT;
	struct error last = ERROR_INIT;
	bool any = false, loaded = false;
	size_t i;

	list_places(&places, machine);
	for (i = 0; i < places.n && !loaded; i++) {
		struct error why = ERROR_INIT;

		loaded = load(p, places.v[i], false, machine, &why) == 0;
		/* Of those that are there the first says why not. */
		if (!loaded && errno != ENOENT && !any) {
			any = true;
			last = why;
		}
	}
	strv_release(&places);
	if (loaded)
		return 0;
	error_status(err, any ? last.status : STATUS_LOCAL,
		"there is no deployd here that could be sent to %s%s%s",
		machine, any ? ": " : "", any ? last.text : "");
	return error_hint(err,
		"`make static' builds one in build/static, which runs on "
		"machines like this one; --binary=FILE names another");
}

int
setup_program_load(struct setup_program *p, const char *given,
	const char *machine, struct error *err)
{
	memset(p, 0, sizeof(*p));
	/* It becomes part of a path. */
	if (!*machine || strchr(machine, '/'))
		return error_status(err, STATUS_REFUSED,
			"'%s' is no kind of machine", machine);
	if (!given)
		return search(p, machine, err);
	if (load(p, given, true, machine, err) == 0)
		return 0;
	return err->status == STATUS_REFUSED ?
		error_hint(err,
			"build deployd there, or on a machine like it: "
			"make static") :
		-1;
}
