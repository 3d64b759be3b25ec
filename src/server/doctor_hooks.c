/* Which hooks are confined, and whether they can run then. */
#include "server/doctor_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/confine.h"
#include "server/store.h"
#include "server/surroundings.h"

/* Without one of them none of the app's hooks runs. */
static void
say_writable(struct doctor *d, const char *app)
{
	struct strv paths = STRV_INIT;
	size_t i;

	config_writable(d->c, app, &paths);
	for (i = 0; i < paths.n; i++)
		if (access(paths.v[i], F_OK) < 0)
			doctor_say(d, DOCTOR_FAULT, "hooks",
				"those of %s do not run: writable has %s: %s; "
				"make it, or take it out of deployd.conf",
				app, paths.v[i], strerror(errno));
	strv_release(&paths);
}

static void
say_confined(struct doctor *d, const char *apps)
{
	if (confine_files_version() < SURROUNDINGS_LANDLOCK)
		doctor_say(d, DOCTOR_FAULT, "hooks",
			"none can run where `confine = yes' needs Landlock:%s",
			apps);
	else
		doctor_say(d, DOCTOR_OK, "hooks", "confined for:%s%s", apps,
			confine_files_version() < SURROUNDINGS_SIGNALS ?
				"; but they can end deployd and other "
				"processes: that takes Linux 6.12" :
				"");
}

/* Those that have settings of their own, deployed or not. */
static void
add_named(const struct settings *file, struct strv *apps)
{
	size_t i;

	for (i = 0; i < file->n; i++)
		if (!strcmp(file->v[i].section, "app") &&
			!strv_has(apps, file->v[i].name))
			strv_add(apps, file->v[i].name);
}

void
doctor_hooks(struct doctor *d)
{
	struct strv apps = STRV_INIT;
	struct buf confined = BUF_INIT;
	unsigned faults = d->faults;
	size_t i;

	add_named(&d->c->files[0], &apps);
	add_named(&d->c->files[1], &apps);
	for (i = 0; i < apps.n; i++)
		if (config_confines(d->c, apps.v[i])) {
			buf_addf(&confined, " %s", apps.v[i]);
			say_writable(d, apps.v[i]);
		}
	if (!confined.len)
		doctor_say(d, DOCTOR_NOTE, "hooks",
			"those of no app are confined; see `confine' in "
			"deployd.conf(5)");
	else if (d->faults == faults)
		say_confined(d, confined.data);
	buf_release(&confined);
	strv_release(&apps);
}
