/* Renaming to a name that is free. */
#ifndef BASE_RENAME_H
#define BASE_RENAME_H

/*
 * As renameat(2), but EEXIST if new_name is there.  NFS, and ZFS before 2.2,
 * cannot do that in one step: there it is looked first, so whoever else might
 * make that name is kept out by a lock.
 */
int rename_free(int from, const char *name, int to, const char *new_name);

#endif
