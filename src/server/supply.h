/* The command that brings a shared file to the server. */
#ifndef SERVER_SUPPLY_H
#define SERVER_SUPPLY_H

#include "server/store.h"

/*
 * `scp PATH USER@HOST:/ROOT/APP/shared/PATH', to be run in the tree; cp where
 * the client is on this machine.  Quoted for a shell; the caller frees it.
 */
char *supply_command(const struct store *s, const char *path);

#endif
