#include "wire/fault.h"

void
fault_text(const struct msg_fault *m, bool dry_run, struct buf *out)
{
	if (m->release)
		buf_addf(out, "releases/%s/", m->release);
	buf_addf(out, "%s: %s", m->path ? m->path : "", m->how ? m->how : "");
	if (m->repair)
		buf_addf(out, " (%s: %s)",
			dry_run ? "can be repaired" : "repaired", m->repair);
	else if (m->advice && *m->advice)
		buf_addf(out, " (left: %s)", m->advice);
	else
		buf_addstr(out, " (left)");
}
