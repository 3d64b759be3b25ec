#!/bin/sh
# A history that got long, and one longer than is ever read.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

own=$DEPLOYD_ROOT/blog/.deployd
make_tree app
for version in one two; do
	echo "$version" >app/one
	ok "deploy $version" "$DEPLOY" local:blog app
done
settle

# fill BYTES: with commands that cron ran.
fill() {
	yes '1700000000 run - - cron bin/every-minute' | head -c "$1" |
		head -n -1 >>"$own/history"
}
size() {
	stat -c %s "$1" 2>&1
}

fill 5000000
ok 'a command' "$DEPLOY" run local:blog -- true
ok 'after which it is cut down' test "$(size "$own/history")" -lt 2500000
ok 'and all of it is there yet' test "$(size "$own/history.1")" -gt 5000000
ok 'it is well' "$DEPLOYD" fsck blog
ok 'what was live before is known' "$DEPLOY" rollback local:blog
is 'and live' "$(cat "$DEPLOYD_ROOT/blog/current/one")" one

fill 20000000
echo three >app/one
ok 'a deploy where it is longer than what is read' "$DEPLOY" local:blog app
settle
ok 'cuts it down' test "$(size "$own/history")" -lt 2500000
ok 'and loses nothing of it' test "$(size "$own/history.1")" -gt 20000000
ok 'events go on' "$DEPLOY" log local:blog
ok 'fsck has from the records what was live' "$DEPLOYD" fsck blog
ok 'rollback' "$DEPLOY" rollback local:blog
is 'goes back' "$(cat "$DEPLOYD_ROOT/blog/current/one")" one
ok 'an app is removed' "$DEPLOY" remove local:blog --confirm=blog
like 'with both in the archive' \
	"$(tar tf "$DEPLOYD_ROOT"/.removed/*.tar)" 'history\.1'
done_testing
