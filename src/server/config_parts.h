/*
 * Among the files of config.h:
 *
 *	config.c         the files, and what is about the whole server
 *	config_app.c     what is about one app
 *	config_access.c  what a key may do
 */
#ifndef SERVER_CONFIG_PARTS_H
#define SERVER_CONFIG_PARTS_H

#include "server/config.h"

/* The value that counts, the later file's, and which that is; or NULL. */
const struct setting *config_get(const struct config *c, const char *section,
	const char *name, const char *key, const struct settings **file);
/* "~" and "~/x" are below the home directory, as is what is not absolute. */
char *config_expand(const char *path);
/* All sections of apps, whether they can be and have an effect. */
int config_check_apps(const struct config *c, struct error *err);

#endif
