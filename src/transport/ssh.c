#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "builtin.h"
#include "internal.h"
#include "openssh.h"
#include "ssh_config.h"

/* What could be taken for an option, or for something else by a shell. */
static bool
bad_name(const char *name, const char *forbidden)
{
	const char *p;

	if (*name == '-' || *name == '\0')
		return true;
	for (p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 127 ||
			strchr(forbidden, *p))
			return true;
	return false;
}

static int
check_names(const struct transport_options *o, struct error *err)
{
	if (!o->host || bad_name(o->host, "'`\"$\\;&<>|(){}@/"))
		return error_status(err, STATUS_USAGE,
			"`%s' cannot be the name of a host",
			o->host ? o->host : "");
	if (o->user && bad_name(o->user, "'`\";&<>|(){}"))
		return error_status(err, STATUS_USAGE,
			"`%s' cannot be the name of a user", o->user);
	return 0;
}

/* The same for what the configuration has made of them. */
static int
check_config(const struct ssh_config *c, struct error *err)
{
	if (bad_name(c->hostname, "'`\"$\\;&<>|(){}@/") ||
		bad_name(c->user, "'`\";&<>|(){}"))
		return error_status(err, STATUS_CONNECT,
			"ssh's configuration makes %s `%s@%s', which cannot "
			"be",
			c->host, c->user, c->hostname);
	if (c->port < 1 || c->port > 65535)
		return error_status(err, STATUS_CONNECT,
			"%s: there is no port %d", c->host, c->port);
	return 0;
}

/* Why ssh is to do it from the start, or NULL. */
static const char *
ssh_at_once(const struct ssh_config *c)
{
	if (!c->have_ssh)
		return NULL;
	if (openssh_master(c))
		return "a connection of its own is open already";
	return c->needs_ssh;
}

/* libssh2 cannot do it, and ssh cannot be asked. */
static int
fail_builtin(const struct transport *t, const char *why, const char *note,
	const char *hint, struct error *err)
{
	error_status(err, STATUS_CONNECT, "cannot connect to %s by libssh2: %s",
		t->o->host, why);
	return error_hint(err, "%s", note ? note : hint);
}

static int
run_auto(struct transport *t, const struct ssh_config *c, struct error *err)
{
	const char *at_once = ssh_at_once(c);
	char *why = NULL, *note = NULL;
	int rc = 1;

	if (!at_once)
		rc = builtin_run(t, c, &why, &note, err);
	if (rc == 1 && why && !c->have_ssh) {
		rc = fail_builtin(t, why, note,
			"OpenSSH's ssh, once installed, may do it", err);
	} else if (rc == 1) {
		log_verbose("transport: ssh, since %s",
			at_once ? at_once : why);
		rc = openssh_run(t, c, note, err);
	}
	free(why);
	free(note);
	return rc;
}

static int
run_builtin(struct transport *t, const struct ssh_config *c, struct error *err)
{
	char *why = NULL, *note = NULL;
	int rc;

	if (c->needs_ssh)
		log_warn("%s, which libssh2 does not honour", c->needs_ssh);
	rc = builtin_run(t, c, &why, &note, err);
	if (rc == 1)
		rc = fail_builtin(t, why, note, "--transport=openssh may do it",
			err);
	free(why);
	free(note);
	return rc;
}

/* A program of the user's need not be OpenSSH's, nor have its `ssh -G'. */
static bool
foreign_ssh(const struct transport_options *o)
{
	const char *program = getenv("DEPLOY_SSH");

	return program && *program && o->kind != TRANSPORT_LIBSSH2 &&
		(strcmp(path_leaf(program), "ssh") != 0 ||
			!ssh_config_program("ssh"));
}

static int
run_configured(struct transport *t, const struct ssh_config *c,
	struct error *err)
{
	const char *program = getenv("DEPLOY_SSH");

	if (check_config(c, err) < 0)
		return -1;
	if (t->o->kind == TRANSPORT_LIBSSH2) {
		log_verbose("transport: libssh2, as asked for");
		return run_builtin(t, c, err);
	}
	if (t->o->kind == TRANSPORT_OPENSSH || (program && *program)) {
		log_verbose("transport: ssh, as asked for");
		return openssh_run(t, c, NULL, err);
	}
	return run_auto(t, c, err);
}

int
ssh_run(struct transport *t, struct error *err)
{
	struct ssh_config c;
	int rc = -1;

	if (check_names(t->o, err) < 0)
		return -1;
	if (foreign_ssh(t->o)) {
		log_verbose("transport: %s, as DEPLOY_SSH says",
			getenv("DEPLOY_SSH"));
		return openssh_run(t, NULL, NULL, err);
	}
	ssh_config_init(&c, t->o->host);
	if (ssh_config_read(&c, t->o, err) == 0)
		rc = run_configured(t, &c, err);
	ssh_config_release(&c);
	return rc;
}
