/*
 * A store of the app `blog' in a directory of the test's own, which becomes
 * the app's directory.
 */
#ifndef UNIT_STORE_H
#define UNIT_STORE_H

#include "server/store.h"
#include "unit.h"

static inline void
unit_store(struct store *s)
{
	struct error err = ERROR_INIT;
	char root[4096];

	close(unit_dir());
	ck_assert_ptr_nonnull(getcwd(root, sizeof(root)));
	ck_assert_msg(store_open(s, root, "blog", true,
			      "deploy local:", &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(chdir("blog"), 0);
}

#endif
