#!/bin/sh
# deployd fsck: what outlives releases, and the links that lead there.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
mkdir -p site/storage site/lib
echo seed >site/storage/seed
echo page >site/page
printf '[app]\nshared = storage/ cache/\n' >site/deploy.conf
ok 'a deploy' "$DEPLOY" -q -C site local:site
first=$(live site)
echo second >site/page
ok 'another' "$DEPLOY" -q -C site local:site
app=$DEPLOYD_ROOT/site
current=$app/releases/$(live site)
fsck() {
	"$DEPLOYD" fsck "$@" 2>"$TMP/said"
}
ok 'nothing is wrong' fsck site

# A link that is gone is made, before the tree's own is, where it stood.
rm "$current/storage" "$current/cache" "$app/releases/$first/cache"
fails 1 'links that are gone' fsck -n site
is 'are told' "$(grep -c 'missing (can be repaired: linked to shared/)' "$OUT")" 3
fails 1 'in JSON' "$DEPLOY" --json fsck -n local:site
like 'of this target, too' "$OUT" '"event":"target-result","target":"local:site","status":1'
is 'each once' "$(grep -c '"event":"fault"' "$OUT")" 3
ok 'and not made by it' test ! -e "$current/storage"
ok 'are made' fsck site
like 'as it says' "$OUT" "releases/$(live site)/storage: missing \\(repaired: linked to shared/\\)"
is 'of the tree there is nothing' "$(readlink "$current/storage")" ../../shared/storage
is 'nor where it has nothing' "$(readlink "$current/cache")" ../../shared/cache
is 'in all releases' "$(readlink "$app/releases/$first/cache")" ../../shared/cache
ok 'and nothing is wrong' fsck site

# What an app has put where its link was has no other copy.
rm "$current/storage"
mkdir "$current/storage"
echo upload >"$current/storage/seed"
fails 1 'a directory in its place' fsck site
is 'is the only fault' "$(wc -l <"$OUT")" 1
like 'and says what to do' "$OUT" \
	"storage: is no link to shared/ \\(left: move what is there to shared/storage, then deployd fsck again\\)"
is 'what it holds is left alone' "$(cat "$current/storage/seed")" upload
rm -r "$current/storage"
ok 'out of the way' fsck site

# Nobody can make up what was in shared/.
mv "$app/shared" aside
fails 1 'shared/ is gone' fsck site
like 'it is made' "$OUT" 'site: shared: missing \(repaired: made\)'
like 'but what was in it is missed' "$OUT" \
	'site: shared/storage: missing \(left: bring it back from a backup, or make it\)'
is 'once' "$(grep -c shared/storage "$OUT")" 1
rmdir "$app/shared"
mv aside "$app/shared"
ok 'all is back' fsck site
done_testing
