/* The account that runs deployd, and systemd's units of it. */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include <stdbool.h>

/* Its name, or "". */
const char *account_name(void);
/* Whether systemd runs units of users here, and those of this one always. */
bool account_has_units(void);
bool account_lingers(const char *name);

#endif
