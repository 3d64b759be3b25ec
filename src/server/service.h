/*
 * A systemd unit of the account's own manager, as [service] names it.
 * systemctl and journalctl are run with argument vectors, in the environment
 * of hooks: PATH and XDG_RUNTIME_DIR are that's.
 */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdbool.h>

#include "base/error.h"
#include "server/run.h"

/* How long it has to be active without a restart. */
#define SERVICE_SETTLE_MS 5000

/* restart, or with reload: reload-or-restart. */
enum hook_outcome service_restart(const char *unit, bool reload,
	const struct run_place *at, long timeout, struct error *err);
/*
 * Waits until it has been active for SERVICE_SETTLE_MS with the same main
 * process; one that failed, stopped or restarted by itself is HOOK_FAILED.
 */
enum hook_outcome service_settle(const char *unit, const struct run_place *at,
	long timeout, struct error *err);
/* The last lines of its journal, as output. */
void service_show_journal(const char *unit, const struct run_place *at);

/*
 * A failure of a program of systemd's, explained: it is missing, or there is
 * no manager for the account.  `said' is its output.
 */
void service_explain(const char *program, int number, const char *said,
	struct error *err);

#endif
