/*
 * Exit statuses of deploy(1).  They are a contract: cron jobs and hooks
 * branch on them.  A struct error carries one from where a failure is
 * found to where the program ends; the server sends it in its result.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
	STATUS_OK = 0,    /* what was asked for is true */
	STATUS_LOCAL = 1, /* the tree, a changing file, the configuration */
	STATUS_USAGE = 2,
	STATUS_CONNECT = 3,  /* connect, host key, authentication, no deployd */
	STATUS_REFUSED = 4,  /* not authorised, a limit, held, suspicious */
	STATUS_BUSY = 5,     /* another deploy of the app is running */
	STATUS_TRANSFER = 6, /* the transfer failed; a rerun resumes */
	STATUS_HOOK = 7,     /* build or migrate failed; nothing switched */
	STATUS_REVERTED = 8, /* restart or check failed; switched back */
	STATUS_BROKEN = 9,   /* switching back failed too */
	STATUS_PARTIAL = 10, /* some targets hold the release, some do not */
	STATUS_HUP = 129,
	STATUS_INT = 130,
	STATUS_TERM = 143,
};

#endif
