#include "server/restart.h"

#include "server/service.h"

bool
restart_is_known(const struct hook_settings *h)
{
	return h->restart.n || h->unit;
}

bool
restart_takes_time(const struct hook_settings *h)
{
	return restart_is_known(h) || h->check.n;
}

static void
enter(const struct activate_host *host, const char **failed, const char *stage)
{
	*failed = stage;
	host->stage(host->arg, stage);
}

static enum hook_outcome
restart(const struct hook_settings *h, const struct run_place *at,
	struct error *err)
{
	enum hook_outcome how = hooks_run("restart", &h->restart, at,
		h->restart_timeout, err);

	if (how == HOOK_DONE && h->unit)
		how = service_restart(h->unit, h->reload, at,
			h->restart_timeout, err);
	return how;
}

static enum hook_outcome
check(const struct hook_settings *h, const struct run_place *at,
	struct error *err)
{
	if (h->check.n)
		return hooks_check(&h->check, at, h->check_timeout, err);
	return service_settle(h->unit, at, h->check_timeout, err);
}

int
restart_release(const struct subject *x, const struct activate_host *host,
	const char **failed, struct error *err)
{
	const struct hook_settings *h = &x->hooks;
	struct run_place at = surroundings_place(&x->around, &host->hooks);
	enum hook_outcome how = HOOK_DONE;

	if (restart_is_known(h)) {
		enter(host, failed, "restart");
		how = restart(h, &at, err);
	}
	if (how == HOOK_DONE && (h->check.n || h->unit)) {
		enter(host, failed, "check");
		how = check(h, &at, err);
	}
	if (how == HOOK_DONE)
		return 0;
	if (h->unit && how != HOOK_CANCELLED)
		service_show_journal(h->unit, &at);
	return -1;
}
