#include "server/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/escape.h"
#include "server/doctor_parts.h"

void
doctor_say(struct doctor *d, const char *state, const char *name,
	const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	struct msg_finding m = { .state = (char *)state, .name = (char *)name };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	m.text = (char *)buf_str(&text);
	d->faults += state[0] == 'f';
	d->fn(d->arg, &m);
	buf_release(&text);
}

unsigned
doctor_examine(const struct config *c, doctor_fn *fn, void *arg)
{
	struct doctor d = { .c = c, .fn = fn, .arg = arg };

	doctor_kernel(&d);
	doctor_hooks(&d);
	doctor_disk(&d);
	doctor_account(&d);
	return d.faults;
}

static void
print(void *arg, const struct msg_finding *m)
{
	char *safe = escape_dup(m->text);

	printf("%-5s %-12s %s\n", m->state, m->name, safe);
	free(safe);
}

int
doctor_run(const struct config *c)
{
	return doctor_examine(c, print, NULL) ? STATUS_LOCAL : STATUS_OK;
}

int
doctor_run_without(const struct error *conf)
{
	struct doctor d = { .conf = conf, .fn = print };

	doctor_kernel(&d);
	doctor_account(&d);
	return STATUS_LOCAL;
}
