/* Who may get in, and what the account may do besides deploying. */
#include "server/doctor_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/process.h"
#include "server/account.h"
#include "server/exposed.h"
#include "server/keyfile.h"

#define SUDO_MOST 65536

static void
say_account(struct doctor *d)
{
	if (geteuid() == 0)
		doctor_say(d, DOCTOR_FAULT, "account",
			"root: so is whoever may deploy, and what is deployed; "
			"an account for it is better");
	else
		doctor_say(d, DOCTOR_OK, "account", "%s", account_name());
}

/* Whether others could change that file, or put another in its place. */
static bool
say_exposed(struct doctor *d, const char *name, const char *path)
{
	struct buf how = BUF_INIT;
	bool is = exposed_path(path, &how);

	if (is)
		doctor_say(d, DOCTOR_FAULT, name, "%s", how.data);
	buf_release(&how);
	return is;
}

/* It is what keys are limited to. */
static void
say_program(struct doctor *d)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return;
	path[n] = '\0';
	if (!say_exposed(d, "program", path))
		doctor_say(d, DOCTOR_OK, "program",
			"no other account writes %s", path);
}

static void
say_conf(struct doctor *d)
{
	char *user = config_user_file();
	const char *only = getenv("DEPLOYD_CONF");
	const char *const paths[] = { only && *only ? only :
						      "/etc/deployd.conf",
		only && *only ? NULL : user };
	size_t i, faults = d->faults;

	if (d->conf)
		doctor_say(d, DOCTOR_FAULT, "conf", "%s", d->conf->text);
	for (i = 0; i < 2; i++)
		if (paths[i])
			(void)say_exposed(d, "conf", paths[i]);
	if (d->faults == faults)
		doctor_say(d, DOCTOR_OK, "conf",
			"no other account writes deployd.conf");
	free(user);
}

/* Whether `restrict' is among the options, which may have quoted values. */
static bool
is_restricted(const char *options)
{
	const char *at = options;
	bool quoted = false;

	for (; *options; options++) {
		if (*options == '\\' && options[1])
			options++;
		else if (*options == '"')
			quoted = !quoted;
		else if (*options == ',' && !quoted)
			at = options + 1;
		if (options + 1 - at == 8 && !strncasecmp(at, "restrict", 8) &&
			(options[1] == ',' || !options[1]))
			return true;
	}
	return false;
}

static void
look_at_keys(struct doctor *d, const struct keyfile *f)
{
	size_t i, serve = 0, shell = 0, other = 0, faults = d->faults;

	if (f->n)
		(void)say_exposed(d, "keys", f->path);
	for (i = 0; i < f->n; i++) {
		const struct authorized_key *k = &f->v[i].key;
		struct authorized_limits l;
		struct error err = ERROR_INIT;

		if (!f->v[i].is_key)
			continue;
		authorized_limits_parse(&l, k->options);
		serve += l.serves;
		shell += !l.forced;
		other += l.forced && !l.serves;
		if (authorized_limits_check(&l, &err) < 0)
			doctor_say(d, DOCTOR_FAULT, "keys",
				"line %zu of %s lets nobody in: %s: authorize "
				"the key again",
				i + 1, f->path, err.text);
		if (l.serves && !is_restricted(k->options))
			doctor_say(d, DOCTOR_FAULT, "keys",
				"line %zu of %s lacks `restrict': that key can "
				"forward ports",
				i + 1, f->path);
		authorized_limits_release(&l);
	}
	/* What is wrong is not taken back by how many there are. */
	if (d->faults > faults)
		return;
	doctor_say(d, shell ? DOCTOR_NOTE : DOCTOR_OK, "keys",
		"%zu for deployd alone, %zu that can open a shell, %zu for "
		"something else",
		serve, shell, other);
}

static void
say_keys(struct doctor *d)
{
	struct error err = ERROR_INIT;
	struct keyfile f;

	keyfile_init(&f);
	if (keyfile_open(&f, false, &err) < 0)
		doctor_say(d, DOCTOR_FAULT, "keys", "%s", err.text);
	else
		look_at_keys(d, &f);
	keyfile_release(&f);
}

/* What stands behind NOPASSWD: */
static bool
is_anything(const char *commands)
{
	commands += strspn(commands, " ");
	return !strncmp(commands, "ALL", 3) &&
		(!commands[3] || strchr(",\n", commands[3]));
}

void
doctor_sudo(struct doctor *d, const char *list)
{
	static const char tag[] = "NOPASSWD:";
	bool anything = false;
	unsigned some = 0;

	while ((list = strstr(list, tag))) {
		list += strlen(tag);
		anything |= is_anything(list);
		some++;
	}
	if (anything)
		doctor_say(d, DOCTOR_FAULT, "sudo",
			"this account may run anything as root without a "
			"password, and so may what is deployed");
	else if (some)
		doctor_say(d, DOCTOR_NOTE, "sudo",
			"some commands without a password: sudo -l lists them");
	else
		doctor_say(d, DOCTOR_OK, "sudo", "nothing without a password");
}

static void
say_sudo(struct doctor *d)
{
	const char *const argv[] = { "sudo", "-n", "-l", NULL };
	char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)"LC_ALL=C", NULL };
	struct error ignored = ERROR_INIT;
	struct buf out = BUF_INIT;

	if (geteuid() == 0)
		return;
	if (process_output(argv, env, -1, SUDO_MOST, &out, &ignored) < 0)
		doctor_say(d, DOCTOR_OK, "sudo", "not there");
	else
		doctor_sudo(d, buf_str(&out));
	buf_release(&out);
}

static void
say_units(struct doctor *d)
{
	const char *name = account_name();

	if (!account_has_units())
		doctor_say(d, DOCTOR_OK, "linger",
			"no systemd with units of users here: none is needed");
	else if (account_lingers(name))
		doctor_say(d, DOCTOR_OK, "linger",
			"units of %s run all the time", name);
	else
		doctor_say(d, DOCTOR_NOTE, "linger",
			"units of %s end when it logs out: loginctl "
			"enable-linger %s",
			name, name);
}

void
doctor_account(struct doctor *d)
{
	say_account(d);
	say_program(d);
	say_conf(d);
	say_keys(d);
	say_sudo(d);
	say_units(d);
}
