#!/bin/sh
# make static: two programs that need nothing where they run.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

lacking=$("$TOP/contrib/install-deps" -n build static 2>&1) ||
	skip_all "${lacking#install-deps: }"
! grep -q sanitize= "$BUILD/flags" 2>/dev/null ||
	skip_all 'sanitizers need their libraries'

# What is there is used if it is of these sources: building takes a while.
static=$BUILD/static
is_new() {
	[ -x "$static/deploy" ] && [ -x "$static/deployd" ] &&
		[ -z "$(find "$TOP/src" -name '*.[ch]' \
			-newer "$static/deploy" | head -n 1)" ]
}
build() {
	is_new || make -C "$TOP" -j"$(nproc)" BUILD="$static" STATIC=1 programs
}
ok 'make static' build || {
	done_testing
}
for program in deploy deployd; do
	ldd "$static/$program" >said 2>&1
	like "ldd of $program" "$TMP/said" 'statically linked|not a dynamic'
	ok 'it runs' "$static/$program" --version
done

# Even where no library is.
make_tree app
printf '[hooks]\nbuild = echo built >made\n' >app/deploy.conf
deploy() {
	LD_LIBRARY_PATH=/nowhere "$static/deploy" -C app \
		--deployd="$static/deployd" "$@" local:blog
}
ok 'a deploy with both' deploy
like 'is one' "$OUT" 'deployed blog'
ok 'its hook ran' test -s "$DEPLOYD_ROOT/blog/current/made"
rm "$DEPLOYD_ROOT/blog/current/made"
same_tree 'all is there' app blog
echo more >app/one
ok 'another one' deploy
ok 'a rollback' deploy rollback
# The resolver of a static program is its own.
fails 3 'a host that is not known' "$static/deploy" -F /dev/null \
	--transport=libssh2 -C app nowhere.invalid:blog

done_testing
