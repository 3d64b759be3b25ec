#include "probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process.h"
#include "hostkey.h"
#include "internal.h"
#include "openssh.h"
#include "ssh_config.h"

/*
 * ssh notes the key of a new host in a file, which here is one in memory:
 * before it authenticates, for which it has no means.
 */
static void
fetch(const struct transport *t, const char *file)
{
	static const char *const settings[] = {
		"StrictHostKeyChecking=accept-new",
		"GlobalKnownHostsFile=/dev/null", "HashKnownHosts=no",
		"PreferredAuthentications=none", "BatchMode=yes",
		"ControlPath=none", "ClearAllForwardings=yes",
		"ConnectTimeout=10", "ServerAliveInterval=5"
	};
	struct error ignored = ERROR_INIT;
	struct strv argv = STRV_INIT;
	struct buf output = BUF_INIT;
	size_t i;

	strv_add(&argv, "ssh");
	strv_add(&argv, "-o");
	strv_take(&argv, mem_printf("UserKnownHostsFile=%s", file));
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		strv_add(&argv, "-o");
		strv_add(&argv, settings[i]);
	}
	/* The first mention wins: the user's come later. */
	openssh_options(&argv, t->o);
	if (t->o->user) {
		strv_add(&argv, "-l");
		strv_add(&argv, t->o->user);
	}
	strv_add(&argv, "-T");
	strv_add(&argv, "--");
	strv_add(&argv, t->o->host);
	strv_add(&argv, "true");
	(void)process_output((const char *const *)argv.v, NULL, -1, 65536,
		&output, &ignored);
	buf_release(&output);
	strv_release(&argv);
}

/* The key of the first line: "name type base64". */
static int
read_key(int fd, struct buf *blob)
{
	struct strv words = STRV_INIT;
	struct buf text = BUF_INIT;
	int rc = -1;

	if (lseek(fd, 0, SEEK_SET) == 0 && io_read_some(fd, &text, 65536) > 0) {
		strv_split(&words, buf_str(&text), " \n");
		if (words.n >= 3)
			rc = base64_decode(blob, words.v[2],
				strlen(words.v[2]));
	}
	strv_release(&words);
	buf_release(&text);
	return rc;
}

int
probe_explain(struct transport *t, const struct ssh_config *c,
	struct error *err)
{
	/* Asking was ssh's turn: here it is only told. */
	struct ssh_config telling = *c;
	int fd = memfd_create("deploy", MFD_CLOEXEC);
	struct buf blob = BUF_INIT;
	struct known_hosts known;
	char *path;
	int rc = 0;

	if (fd < 0)
		return 0;
	path = mem_printf("/proc/%ld/fd/%d", (long)getpid(), fd);
	telling.strict = STRICT_YES;
	fetch(t, path);
	if (read_key(fd, &blob) == 0) {
		hostkey_load(&known, c);
		rc = hostkey_judge(t, "", &known, &telling, blob.data, blob.len,
			err);
		known_hosts_release(&known);
	}
	free(path);
	io_close(&fd);
	buf_release(&blob);
	return rc;
}
