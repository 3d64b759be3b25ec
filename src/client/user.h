/* Who deploys, as history records it: login@machine. */
#ifndef CLIENT_USER_H
#define CLIENT_USER_H

/* The caller frees it. */
char *user_name(void);

#endif
