#include "wire/words.h"

#include <inttypes.h>
#include <string.h>

void
fault_text(const struct msg_fault *m, bool dry_run, struct buf *out)
{
	if (m->release)
		buf_addf(out, "releases/%s%s", m->release, m->path ? "/" : "");
	buf_addf(out, "%s: %s", m->path ? m->path : "", m->how ? m->how : "");
	if (m->repair)
		buf_addf(out, " (%s: %s)",
			dry_run ? "can be repaired" : "repaired", m->repair);
	else if (m->advice && *m->advice)
		buf_addf(out, " (left: %s)", m->advice);
	else
		buf_addstr(out, " (left)");
}

static void
add_faults(uint64_t n, struct buf *out)
{
	buf_addf(out, "%" PRIu64 " fault%s", n, n == 1 ? "" : "s");
}

void
fault_sum(uint64_t faults, uint64_t left, bool dry_run, struct buf *out)
{
	if (!faults) {
		buf_addstr(out, "nothing is wrong");
	} else if (dry_run) {
		add_faults(faults, out);
		buf_addstr(out, "; nothing was changed");
	} else {
		add_faults(faults - left, out);
		buf_addf(out, " repaired, %" PRIu64 " left", left);
	}
}

void
release_state(const struct msg_release *r, struct buf *out)
{
	const char *state = r->state ? r->state : "";

	if (!strcmp(state, "damaged")) {
		buf_addstr(out, state);
		return;
	}
	if (r->live)
		state = "live";
	else if (!strcmp(state, "live"))
		state = "kept";
	buf_addstr(out, state);
	if (r->held)
		buf_addstr(out, ",held");
	if (r->pinned)
		buf_addstr(out, ",pinned");
	if (r->live && !r->checked)
		buf_addstr(out, ",unchecked");
}
