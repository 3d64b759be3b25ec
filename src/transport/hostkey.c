#include "hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/hmac.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "internal.h"
#include "prompt.h"
#include "ssh_config.h"

struct shown {
	const struct transport *t;
	const char *address;
	const struct known_hosts *known;
	const struct ssh_config *config;
	const void *blob;
	size_t len;
	char *type;
	struct buf fingerprint; /* SHA256:... */
	const struct known_hosts_entry *entry;
};

static const char *
environment(void)
{
	const char *text = getenv("DEPLOY_KNOWN_HOSTS");

	return text && *text ? text : NULL;
}

void
hostkey_load(struct known_hosts *k, const struct ssh_config *c)
{
	const char *text = environment();
	size_t i;

	if (c->host_key_alias)
		known_hosts_init(k, c->host_key_alias, 0);
	else
		known_hosts_init(k, c->hostname, c->port);
	if (text) {
		known_hosts_text(k, "DEPLOY_KNOWN_HOSTS", text, strlen(text));
	} else {
		for (i = 0; i < c->user_known_hosts.n; i++)
			known_hosts_file(k, c->user_known_hosts.v[i]);
		for (i = 0; i < c->global_known_hosts.n; i++)
			known_hosts_file(k, c->global_known_hosts.v[i]);
	}
	for (i = 0; i < k->warnings.n; i++)
		log_warn("%s", k->warnings.v[i]);
}

static void
add_fingerprint(struct shown *s)
{
	uint8_t digest[DIGEST_SIZE];

	digest_bytes(s->blob, s->len, digest);
	buf_addstr(&s->fingerprint, "SHA256:");
	base64_encode(&s->fingerprint, digest, sizeof(digest));
	while (s->fingerprint.data[s->fingerprint.len - 1] == '=')
		buf_truncate(&s->fingerprint, s->fingerprint.len - 1);
}

/* "ED25519", as people have seen it in ssh's questions. */
static const char *
short_type(const char *type)
{
	if (strcmp(type, "ssh-ed25519") == 0)
		return "ED25519";
	if (strncmp(type, "ecdsa-", 6) == 0)
		return "ECDSA";
	return strcmp(type, "ssh-rsa") == 0 ? "RSA" : type;
}

static const char *
first_file(const struct ssh_config *c)
{
	if (environment())
		return "DEPLOY_KNOWN_HOSTS";
	return c->user_known_hosts.n ? c->user_known_hosts.v[0] : NULL;
}

static int
refuse_unknown(const struct shown *s, struct error *err)
{
	const char *file = first_file(s->config);
	struct buf line = BUF_INIT;

	if (s->entry)
		error_status(err, STATUS_CONNECT,
			"%s shows a key of another type than %s:%d has: its "
			"%s key has the fingerprint %s",
			s->known->name, s->entry->file, s->entry->line,
			short_type(s->type), buf_str(&s->fingerprint));
	else
		error_status(err, STATUS_CONNECT,
			"%s is not a known host: its %s key has the "
			"fingerprint %s",
			s->known->name, short_type(s->type),
			buf_str(&s->fingerprint));
	known_hosts_line(s->known->name, s->type, s->blob, s->len, NULL, &line);
	error_hint(err, "if that is right, add to %s: %s",
		file ? file : "a known_hosts file", buf_str(&line));
	buf_release(&line);
	return -1;
}

static int
append(const char *path, const char *line)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct buf text = BUF_INIT;
	char last = '\n';
	off_t end;
	int rc = -1;

	if (fd < 0)
		return -1;
	end = lseek(fd, 0, SEEK_END);
	if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
		buf_addch(&text, '\n');
	buf_addf(&text, "%s\n", line);
	rc = io_write_full(fd, text.data, text.len);
	io_close(&fd);
	buf_release(&text);
	return rc;
}

/* A key that cannot be noted is no reason to stop: it was accepted. */
static void
note_key(const struct shown *s)
{
	const char *path = first_file(s->config);
	unsigned char salt[HMAC_SHA1_SIZE];
	struct buf line = BUF_INIT;
	const char *slash;
	bool hash = s->config->hash_known_hosts;

	if (environment() || !path)
		return;
	if (hash && getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		hash = false;
	known_hosts_line(s->known->name, s->type, s->blob, s->len,
		hash ? salt : NULL, &line);
	slash = strrchr(path, '/');
	if (slash && slash != path) {
		char *dir = mem_strndup(path, (size_t)(slash - path));

		(void)mkdir(dir, 0700);
		free(dir);
	}
	if (append(path, buf_str(&line)) < 0)
		log_warn("%s: %s; the key of %s is not kept", path,
			strerror(errno), s->known->name);
	else
		log_info("added the %s key of %s to %s", short_type(s->type),
			s->known->name, path);
	buf_release(&line);
}

/* yes, no, or the fingerprint that the person was told by other means. */
static int
ask(const struct shown *s, struct error *err)
{
	const char *address = s->address;
	struct buf text = BUF_INIT;
	char answer[256];
	int rc = -1;

	buf_addf(&text, "%s%s%s%s is not a known host.\n", s->known->name,
		*address ? " (" : "", address, *address ? ")" : "");
	if (s->entry)
		buf_addf(&text, "Keys of other types are known: %s:%d.\n",
			s->entry->file, s->entry->line);
	buf_addf(&text,
		"Its %s key has the fingerprint %s.\n"
		"Trust it and go on (yes/no/fingerprint)? ",
		short_type(s->type), buf_str(&s->fingerprint));
	while (prompt_ask(s->t, buf_str(&text), false, answer,
		       sizeof(answer)) == 0) {
		if (strcasecmp(answer, "no") == 0)
			break;
		if (strcasecmp(answer, "yes") == 0 ||
			strcmp(answer, buf_str(&s->fingerprint)) == 0) {
			rc = 0;
			break;
		}
		buf_clear(&text);
		buf_addstr(&text, "Type yes, no or the fingerprint: ");
	}
	buf_release(&text);
	explicit_bzero(answer, sizeof(answer));
	if (rc < 0)
		error_status(err, STATUS_CONNECT, "%s was not trusted",
			s->known->name);
	return rc;
}

static int
judge_unknown(const struct shown *s, struct error *err)
{
	enum strict strict = s->config->strict;

	if (environment() && strict != STRICT_NO)
		return refuse_unknown(s, err);
	/* Known by another key, it is not new. */
	if (strict == STRICT_ACCEPT_NEW && s->entry)
		strict = STRICT_ASK;
	if (strict == STRICT_YES)
		return refuse_unknown(s, err);
	if (strict == STRICT_ASK) {
		if (s->config->batch || !prompt_possible())
			return refuse_unknown(s, err);
		if (ask(s, err) < 0)
			return -1;
	}
	note_key(s);
	return 0;
}

static int
judge_changed(const struct shown *s, struct error *err)
{
	if (s->config->strict == STRICT_NO) {
		log_warn("the key of %s has changed, against %s:%d; "
			 "StrictHostKeyChecking=no lets it pass",
			s->known->name, s->entry->file, s->entry->line);
		return 0;
	}
	error_status(err, STATUS_CONNECT,
		"the key of %s has changed: %s:%d has another than its %s "
		"key %s",
		s->known->name, s->entry->file, s->entry->line,
		short_type(s->type), buf_str(&s->fingerprint));
	return error_hint(err,
		"either the server was set up anew, and that line is to be "
		"removed (ssh-keygen -R '%s'), or somebody stands between",
		s->known->name);
}

static int
judge(const struct shown *s, enum known_hosts_result result, struct error *err)
{
	switch (result) {
	case KNOWN_HOSTS_MATCH:
		log_debug("%s is known by %s:%d", s->known->name,
			s->entry->file, s->entry->line);
		return 0;
	case KNOWN_HOSTS_UNKNOWN:
	case KNOWN_HOSTS_OTHER:
		return judge_unknown(s, err);
	case KNOWN_HOSTS_CHANGED:
		return judge_changed(s, err);
	case KNOWN_HOSTS_REVOKED_KEY:
		break;
	}
	return error_status(err, STATUS_CONNECT,
		"the %s key of %s is revoked: %s:%d", short_type(s->type),
		s->known->name, s->entry->file, s->entry->line);
}

int
hostkey_judge(const struct transport *t, const char *address,
	const struct known_hosts *k, const struct ssh_config *c,
	const void *blob, size_t len, struct error *err)
{
	struct shown s = { .t = t,
		.address = address,
		.known = k,
		.config = c,
		.blob = blob,
		.len = len };
	int rc;

	s.type = blob ? known_hosts_type(blob, len) : NULL;
	if (!s.type)
		return error_status(err, STATUS_CONNECT,
			"%s shows no key of a known kind", k->name);
	add_fingerprint(&s);
	rc = judge(&s, known_hosts_check(k, s.type, s.blob, s.len, &s.entry),
		err);
	free(s.type);
	buf_release(&s.fingerprint);
	return rc;
}
