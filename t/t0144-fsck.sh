#!/bin/sh
# deployd fsck: a store that is damaged is told, and repaired as far as can be.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

own=$DEPLOYD_ROOT/blog/.deployd
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
make_tree app
ok 'a first deploy' "$DEPLOY" local:blog app
first=$(live blog)
echo ONE >app/one
echo new >app/src/new
ok 'a second' "$DEPLOY" local:blog app
second=$(live blog)
releases=$DEPLOYD_ROOT/blog/releases
fsck() {
	"$DEPLOYD" fsck "$@" 2>"$TMP/said"
}
stamps() {
	find "$1" -printf '%P %T@ %m\n' | LC_ALL=C sort
}
stamps "$releases" >"$TMP/times"
ok 'nothing is wrong' fsck blog
is 'so no line is printed' "$(cat "$OUT")" ''
like 'what was read is said' "$TMP/said" '^blog: 15 files read, nothing is wrong$'
ok 'nor with all apps' fsck
ok 'in cron' fsck -q
is 'it says nothing then' "$(cat "$OUT" "$TMP/said")" ''
fails 2 'where it would mean nothing, -q is refused' "$DEPLOYD" status -q blog
ok 'nor in a dry run' fsck -n blog

# One of each kind, in both releases.
damage() {
	touch -r "$1/src/two" "$TMP/stamp"
	echo twO >"$1/src/two"
	touch -r "$TMP/stamp" "$1/src/two"
	rm -r "$1/src/deep"
	ln -sfn elsewhere "$1/dangling"
	chmod 600 "$1/run"
	chmod 700 "$1/empty"
	rm "$1/none"
	ln -s /etc/passwd "$1/none"
	rm -r "$1/a b"
	ln -s /etc "$1/a b"
}
damage "$releases/$second"
ok 'without a repair' test ! -e "$releases/$second/src/deep"
fails 1 'a dry run of a live release with damage' fsck -n blog
like 'tells what can be repaired' "$OUT" \
	"^blog: releases/$second/src/two: content \\(can be repaired: copied from releases/$first/src/two\\)\$"
is 'all of it' "$(grep -c 'can be repaired' "$OUT")" 10
like 'and what it is' "$TMP/said" '^blog: 15 files read, 10 faults; nothing was changed$'
ok 'and leaves it alone' test ! -e "$releases/$second/src/deep"
ok 'a repair' fsck blog
like 'is told' "$OUT" \
	"^blog: releases/$second/src/two: content \\(repaired: copied from releases/$first/src/two\\)\$"
like 'a directory' "$OUT" "releases/$second/src/deep: missing \\(repaired: made again\\)"
like 'what is in it' "$OUT" "releases/$second/src/deep/er/three: missing \\(repaired: copied"
like 'an empty file, for which a link stood' "$OUT" "releases/$second/none: type: a symbolic link, not a file \\(repaired"
like 'a link' "$OUT" "releases/$second/dangling: target \\(repaired: made again\\)"
like 'the sum' "$TMP/said" '10 faults repaired, 0 left'
same_tree 'and it is what was deployed' app blog
stamps "$releases" >"$TMP/now"
is 'with its modes, and the times of its files' \
	"$(diff "$TMP/times" "$TMP/now" | grep '^[<>]' | grep -v -e "$second [0-9]" -e '/src [0-9]')" ''
like 'it is in the history' "$own/history" ' repaired - - deployd\\x20fsck 10\\x20of\\x2010\\x20faults$'
ok 'then nothing is wrong' fsck blog
ok 'verify agrees' "$DEPLOY" verify local:blog

# What is vouched for, and has rotted all the same.
rot() {
	touch -r "$1" "$TMP/stamp"
	printf '%s' "$2" | dd of="$1" conv=notrunc status=none
	touch -r "$TMP/stamp" "$1"
}
rot "$releases/$first/one" ONx
rot "$releases/$second/src/new" neW
fails 1 'bytes that are nowhere else' fsck blog
like 'are left, of what is live' "$OUT" \
	"releases/$second/src/new: content \\(left: deploy its tree again, with --rebuild\\)"
like 'and of what is not' "$OUT" "releases/$first/one: content \\(left: do not go back to it"
fails 1 'no index vouches for them' test -e "$own/records/$first.index"
ok 'what was said to be done' "$DEPLOY" --rebuild local:blog app
third=$(live blog)
same_tree 'helps' app blog
fails 1 'and gives the bytes' fsck blog
like 'to one of them' "$OUT" "releases/$second/src/new: content \\(repaired: copied from releases/$third"
rm -r "${releases:?}/$first"
ok 'without the other all is well' fsck blog
mkdir "$releases/$second/x"
rm "$releases/$second/one"
mv "$releases/$second/x" "$releases/$second/one"
touch "$releases/$second/one/of somebody"
fails 1 'a directory with something in it' fsck blog
like 'is not taken away' "$OUT" "releases/$second/one: type: a directory, not a file \\(left: move it away, then deployd fsck again\\)"
ok 'nor what is in it' test -e "$releases/$second/one/of somebody"
rm -r "$releases/$second/one"
ok 'once it is gone the file is made' fsck blog

# What others could write.
chmod 666 "$own/history" "$own/records/$second"
ok 'files that others may write' fsck blog
like 'are closed to them' "$OUT" '\.deployd/history: others may write it \(repaired: closed to them\)'
is 'each of them' "$(find "$own" -type f -perm /022)" ''
ok 'then all is well' fsck blog

# Leftovers, modes, locks.
mkdir -p "$own/stage/x" "$own/apart/next-1" "$own/trash/old"
: >"$own/stage.index"
: >"$own/built.123.tmp"
: >"$own/records/$second.123.tmp"
: >"$own/records/odd"
: >"$own/records/20200101T000000Z-00000000.times"
: >"$own/logs/20200101T000000Z-00000000"
echo x >"$own/tmp/partial"
echo x >"$own/tmp/$(printf 'x\n' | sha256sum | cut -d ' ' -f 1)"
echo y >"$own/tmp/$(printf 'z\n' | sha256sum | cut -d ' ' -f 1)"
echo x >"$own/manifests/0000"
ln -s nowhere "$DEPLOYD_ROOT/blog/current.9.tmp"
rm "$own/next.lock"
mkdir "$own/next.lock"
rmdir "$own/cache"
chmod 755 "$own"
echo A=b >"$DEPLOYD_ROOT/blog/env"
chmod 644 "$DEPLOYD_ROOT/blog/env"
fails 1 'leftovers, in a dry run' fsck -n blog
cp "$OUT" "$TMP/dry"
ok 'stay' test -e "$own/stage" -a -e "$own/records/odd"
ok 'else' fsck blog
is 'the same are told' "$(diff "$OUT" "$TMP/dry" | grep -c '^[0-9]')" 1
is 'each' "$(sed 's/^blog: //; s/ (.*//' "$OUT" | LC_ALL=C sort)" \
	".deployd/apart/next-1: left over
.deployd/built.123.tmp: left over
.deployd/cache: missing
.deployd/logs/20200101T000000Z-00000000: left over
.deployd/manifests/0000: left over
.deployd/next.lock: no file, so no lock
.deployd/records/20200101T000000Z-00000000.times: left over
.deployd/records/$second.123.tmp: left over
.deployd/records/odd: left over
.deployd/stage.index: left over
.deployd/stage: left over
.deployd/tmp/$(printf 'z\n' | sha256sum | cut -d ' ' -f 1): left over
.deployd/tmp/partial: left over
.deployd: mode 755, not 700
current.9.tmp: left over
env: mode 644, not 600"
is 'and gone' "$(cd "$own" && echo *)" 'apart ballast.0 ballast.1 ballast.2 ballast.3 ballast.4 ballast.5 ballast.6 ballast.7 built cache env.lock history lock logs manifests next.lock records switch.lock tmp trash'
is 'an upload that is whole is kept' "$(cd "$own/tmp" && echo *)" \
	"$(printf 'x\n' | sha256sum | cut -d ' ' -f 1)"
is 'what lay in trash is deleted' "$(ls "$own/trash")" ''
is 'modes are as they should be' "$(stat -c %a "$own" "$DEPLOYD_ROOT/blog/env" | tr '\n' ' ')" '700 600 '
ok 'once more, nothing is wrong' fsck blog

echo 2 >app/one
ok 'another deploy' "$DEPLOY" local:blog app

chmod 777 "$DEPLOYD_ROOT/blog" "$releases" "$DEPLOYD_ROOT/blog/shared"
fails 1 'directories that others may write in' fsck -n blog
is 'are told, but for shared/' "$(cat "$OUT")" \
	'blog: .: mode 777, not 755 (can be repaired: its mode is set)
blog: releases: mode 777, not 755 (can be repaired: its mode is set)'
ok 'else' fsck blog
is 'they are closed' "$(stat -c %a "$DEPLOYD_ROOT/blog" "$releases" "$DEPLOYD_ROOT/blog/shared" | tr '\n' ' ')" '755 755 777 '
chmod 755 "$DEPLOYD_ROOT/blog/shared"

# Records, settings, manifests.
live=$(live blog)
ok 'a dry run of what is well' fsck -n blog
sed -i 's/^went-live yes/went-live no/; /^went-live no/d; s/^state live/state built/' "$own/records/$live"
ok 'a record that lags behind the history' fsck blog
like 'is told' "$OUT" "records/$live: does not say that its release was live \\(repaired: as the history has it"
like 'and right' "$own/records/$live" '^went-live yes'
echo 'x = y' >"$own/records/$live.settings"
ok 'settings that are not its own' fsck blog
like 'are taken from another' "$OUT" "$live.settings: is not what its release came with \\(repaired: taken from another"
is 'and are right' "$(cat "$own/records/$live.settings")" ''
manifest=$(sed -n 's/^manifest //p' "$own/records/$second")
cp "$own/manifests/$manifest" "$TMP/manifest"
echo x >>"$own/manifests/$manifest"
fails 1 'a manifest that is damaged' fsck blog
like 'is told, with what to do' "$OUT" "releases/$second: its manifest is lost: .*$manifest.*\\(left: it can be gone back to, but not verified\\)"
cp "$TMP/manifest" "$own/manifests/$manifest"
echo x >"$own/records/$second"
fails 1 'a record that is damaged' fsck blog
like 'is told' "$OUT" "records/$second: .*\\(left"
rm "$own/records/$second"
fails 1 'one that is missing' fsck blog
like 'too' "$OUT" "^blog: releases/$second: has no record \\(left: no rollback leads there: deploy prune drops it\\)"
rm -r "${releases:?}/$second"
: >"$own/records/20200101T000000Z-00000000"
ok 'a damaged record without a release' fsck blog
like 'is removed' "$OUT" 'records/20200101T000000Z-00000000: .* \(repaired: removed\)'

# What is live.
rm "$DEPLOYD_ROOT/blog/current"
ok 'a link that is gone' fsck blog
like 'is made again' "$OUT" '^blog: current: missing \(repaired: points to what was live last\)'
is 'to what was live' "$(live blog)" "$live"
ln -sfn /etc "$DEPLOYD_ROOT/blog/current"
fails 1 'a link of somebody else' fsck blog
like 'is left' "$OUT" "current: .*is not deployd's own link to a release \\(left: move it away"
ln -sfn releases/20200101T000000Z-00000000 "$DEPLOYD_ROOT/blog/current"
fails 1 'one that leads nowhere' fsck blog
like 'is told' "$OUT" 'current: leads to a release that is not there \(left: deploy again'
ln -sfn "releases/$live" "$DEPLOYD_ROOT/blog/current"

# A deploy that was cut off.
printf '%s switching %s %s ann -\n' "$(date +%s)" "$live" "$third" >>"$own/history"
fails 1 'a switch without an outcome, in a dry run' fsck -n blog
like 'is told' "$OUT" 'history: a switch was cut off \(can be repaired'
ok 'else' fsck blog
like 'it is finished' "$own/history" " live $live $third recovery "
cp -a "$releases/$live" "$releases/20200101T000000Z-${live#*-}"
sed "s/^id .*/id 20200101T000000Z-${live#*-}/; s/^state .*/state staged/; /^went-live/d" \
	"$own/records/$live" >"$own/records/20200101T000000Z-${live#*-}"
rm -rf "$own/next"
ok 'a release that was only staged' fsck blog
like 'is told' "$OUT" 'releases/20200101.*: its deploy was cut off \(repaired: its files are kept for the next\)'
ok 'and kept' test -d "$own/next" -a ! -d "$releases/20200101T000000Z-${live#*-}"

# Others at work.
printf 'ann since noon' >"$own/lock"
spawn "$TMP/holder" "$BUILD/t/lib/hold-lock" "$own/lock"
i=0
until [ -s "$TMP/holder" ] || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
fails 5 'a deploy that is going on' fsck blog
like 'is named' "$TMP/said" 'another deploy of blog is running: ann since noon'
fails 5 'over the wire' "$DEPLOY" fsck local:blog
kill "$PID"
wait "$PID" 2>/dev/null

# Somebody has left a pager open: what fills a pipe waits, but no deploy does.
i=0
while [ $i -lt 1000 ]; do
	i=$((i + 1))
	: >"$own/records/$(printf '%0200d' $i)"
done
mkfifo "$TMP/pager"
exec 9<>"$TMP/pager"
"$DEPLOYD" fsck -n blog >&9 2>/dev/null 9>&- &
PID=$!
reap "$PID"
IFS= read -r line <&9
like 'a pager that is full of faults' "$line" 'records/0.*: left over'
ok 'holds up no deploy' "$DEPLOY" --wait=30 local:blog app
ok 'and is open still' kill -0 "$PID"
cat <&9 >"$TMP/read" &
reader=$!
reap "$reader"
wait "$PID"
is 'and ends once it is read' $? 1
exec 9<&-
ok 'a repair of these' fsck blog

# Over the wire.
rm "$releases/$live/run"
fails 1 'a dry run from afar' "$DEPLOY" fsck -n local:blog
like 'tells the same' "$OUT" "^local:blog: releases/$live/run: missing \\(can be repaired: copied from releases/$third/run\\)"
ok 'a repair from afar' "$DEPLOY" --json fsck local:blog
like 'has events' "$OUT" "\"event\":\"fault\",\"target\":\"local:blog\",\"release\":\"$live\",\"change\":\"D\",\"path\":\"run\",\"how\":\"missing\",\"repair\":\"copied from "
like 'an outcome' "$OUT" '"outcome":"checked"'
same_tree 'and it is whole' app blog
printf '#!/bin/sh\nexec "%s" "$@" --allow read,deploy,rollback,secrets\n' "$DEPLOYD" >"$TMP/limited"
chmod 755 "$TMP/limited"
fails 4 'a key that may not' "$DEPLOY" fsck --deployd="$TMP/limited" local:blog
like 'is refused' "$OUT" 'not authorised to do that to blog: it takes `admin.'

# Usage.
fails 2 'a third word' "$DEPLOYD" fsck blog other
fails 2 '-n of others' "$DEPLOYD" prune -n blog
fails 2 'no app' fsck ../x
fails 4 'one that is not there' fsck blo
like 'has its near miss' "$TMP/said" "this server has 'blog'"
ok 'two apps' "$DEPLOY" local:more app
rm "$DEPLOYD_ROOT/more/current/one"
fails 1 'all of them' fsck
like 'are checked' "$OUT" '^more: releases/[^/]*/one: missing'
if [ "$(id -u)" -eq 0 ]; then
	chown 1 "$own" "$own/records/$live"
	fails 4 'a store of another account' fsck blog
	like 'is for that account' "$TMP/said" 'sudo -H -u [a-z]+ deployd fsck blog'
	chown 0 "$own"
	fails 1 'a file of another account' fsck blog
	like 'is told' "$OUT" "records/$live: belongs to uid 1 \\(left: chown"
	chown 0 "$own/records/$live"
fi

done_testing
