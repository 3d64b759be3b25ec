#!/bin/sh
# make static: two programs that need nothing where they run.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/static.sh"

static_need
for program in deploy deployd; do
	ldd "$STATIC/$program" >said 2>&1
	like "ldd of $program" "$TMP/said" 'statically linked|not a dynamic'
	ok 'it runs' "$STATIC/$program" --version
done

# Even where no library is.
make_tree app
printf '[hooks]\nbuild = echo built >made\n' >app/deploy.conf
deploy() {
	LD_LIBRARY_PATH=/nowhere "$STATIC/deploy" -C app \
		--deployd="$STATIC/deployd" "$@" local:blog
}
ok 'a deploy with both' deploy
like 'is one' "$OUT" 'deployed blog'
ok 'its hook ran' test -s "$DEPLOYD_ROOT/blog/current/made"
rm "$DEPLOYD_ROOT/blog/current/made"
same_tree 'all is there' app blog
echo more >app/one
ok 'another one' deploy
ok 'a rollback' deploy rollback
# A release whose check another deployd could make, and this one cannot.
if "$DEPLOYD" --version | grep -q 'http checks: libcurl'; then
	live=$(live blog)
	printf '[hooks]\ncheck = http://127.0.0.1:1/\n' >app/deploy.conf
	ok 'a release with an http check is built' "$DEPLOY" -C app \
		--deployd="$DEPLOYD" --no-activate local:blog
	built=$("$DEPLOY" releases local:blog | awk '/ built / { print $1 }')
	fails 4 'a deployd without libcurl does not activate it' \
		"$DEPLOY" activate --deployd="$STATIC/deployd" local:blog "$built"
	like 'and says why' "$OUT" 'without libcurl'
	is 'what was live is' "$(live blog)" "$live"
else
	skip 'an http check' 'deployd was built without libcurl'
fi
# The resolver of a static program is its own.
fails 3 'a host that is not known' "$STATIC/deploy" -F /dev/null \
	--transport=libssh2 -C app nowhere.invalid:blog

done_testing
