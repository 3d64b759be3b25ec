/*
 * What a push gives up once it knows its tree, has begun to connect and needs
 * git no more: the thread that talks with the servers can read below the tree,
 * write in the cache, and neither run a program nor connect.  What packs
 * files confines itself (tree/packer.h), and so does with libssh2 the thread
 * of each connection when it is logged in (transport/builtin.c).
 */
#ifndef CLIENT_CONFINEMENT_H
#define CLIENT_CONFINEMENT_H

#include "client/cargo.h"

/* 0, also where the kernel cannot; -1 with err. */
int confinement_begin(const struct cargo *c, struct error *err);

#endif
