/*
 * The intake's own process (intake.h): one thread reads frames, decompresses,
 * parses and hashes, another writes (writer.h).
 */
#ifndef SERVER_INTAKE_WORK_H
#define SERVER_INTAKE_WORK_H

#include "server/intake.h"

/*
 * Until the session ends or something is wrong, which it is told: the
 * process's exit status.  fd is the session's socket, text the file for the
 * manifest's text.
 */
int intake_work(const struct intake_options *o, int fd, int text);

#endif
