/* Names of systemd's units, as [service] unit has them. */
#ifndef BASE_UNIT_H
#define BASE_UNIT_H

#include <stdbool.h>

/* Letters, digits and @._:-, not beginning with a dash or a dot. */
bool unit_is_name(const char *name);
/* With .service behind one that has no suffix; from malloc. */
char *unit_full(const char *name);

#endif
