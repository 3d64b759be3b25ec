/* Clients that do not read what is said to them, or hardly, but are alive. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define DEAF_FILES 30000
#define FSCK_FAULTS 3000
/* Under min_rate, as it is set here. */
#define SIP 50

/*
 * Who reads nothing is told of nothing: that each of many files was wrong
 * fills what is in between, and then it is as slow as one who sends nothing.
 */
static void
bad_files(void)
{
	struct buf text = BUF_INIT, tar = BUF_INIT;
	struct conversation c;
	int i;

	deployd_conf("stall_timeout = 3\n");
	for (i = 0; i < DEAF_FILES; i++) {
		buf_addf(&text, "f\t644\t1\t%064x\t%06d\n", i, i);
		tar_member(&tar, "x", "x", 1);
	}
	honest(&c);
	tell_manifest(&c, text.data, text.len);
	tell_tar(&c, &tar);
	c.waits = STEPS;
	c.deaf = true;
	expect(&c, NO_RESULT, "", "stall: one that reads nothing");
	buf_release(&text);
	buf_release(&tar);
}

/* A fault for each. */
static void
make_leftovers(void)
{
	char path[4096];
	int i;

	for (i = 0; i < FSCK_FAULTS; i++) {
		snprintf(path, sizeof(path), "%s/app/.deployd/records/%0200d",
			getenv("DEPLOYD_ROOT"), i);
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
}

/* It pings, so that it is there, and takes what is said as told. */
static void
listens(struct conversation *c, size_t sips, const char *name)
{
	c->drips = true;
	c->deaf = !sips;
	c->sips = sips;
	expect(c, NO_RESULT, "", "stall: %s", name);
}

static void
fsck(size_t sips, const char *name)
{
	struct conversation c;

	honest(&c);
	only_to(&c, HELLO);
	say(&c, PUSH, "ask", BYTES("verb fsck\napp app\ndry-run yes\n"));
	listens(&c, sips, name);
}

static void
hook(const char *settings, size_t sips, const char *name)
{
	struct conversation c;

	honest(&c);
	push_key(&c, "then", "activate");
	tell_settings(&c, settings, strlen(settings));
	c.waits = STEPS;
	listens(&c, sips, name);
}

/* A lock is held meanwhile, that of the app or that of its switch. */
static void
holding_a_lock(void)
{
	deployd_conf("stall_timeout = 3\nmin_rate = 100000\n");
	make_leftovers();
	fsck(0, "deaf to what fsck finds");
	fsck(SIP, "sipping what fsck finds");
	hook("[hooks]\nbuild = yes\n", 0, "deaf to a build");
	hook("[hooks]\nmigrate = yes\n", 0, "deaf to a migration");
	hook("[hooks]\nmigrate = yes\n", SIP, "sipping a migration");
	/* All of it is queued, with the answer behind. */
	hook("[hooks]\nbuild = head -c 250000 /dev/zero; exit 1\n", SIP,
		"sipping an answer");
}

/* It does not ping, and owes nothing by any other deadline. */
static void
mute(void)
{
	struct conversation c;

	deployd_conf("request_timeout = never\nstall_timeout = never\n");
	honest(&c);
	only_to(&c, MANIFEST);
	c.mute = true;
	expect(&c, 6, "the client went away", "mute for a minute");
}

void
client_deaf(void)
{
	mute();
	bad_files();
	holding_a_lock();
}
