#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# A disk that is full: a deploy is refused, a rollback works.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs -o size=80m tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT"; tap_exit' EXIT
own=$DEPLOYD_ROOT/blog/.deployd
mkdir app
n=0
deploy() {
	n=$((n + 1))
	head -c 1000 /dev/urandom >app/data
	serve
	{
		push blog app
		tell_manifest
		echo data | tell_files app
	} >&3
	finish
}
# To the last byte.
fill() {
	cat /dev/zero >"$DEPLOYD_ROOT/filler" 2>/dev/null
	is 'the disk is full' "$(df --output=avail "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' ')" 0
}

printf '[hooks]\nrestart = true\n' >"$SETTINGS"
deploy
first=$(live blog)
deploy
second=$(live blog)
deploy
third=$(live blog)
is 'with room all goes well' "$(got outcome)" deployed
fill
deploy
is 'a deploy without room is refused' "$(got status)" 4
like 'which is said' "$TRACE" 'error no space'
unlike 'no old release was dropped in vain' "$TRACE" 'dropped to make room'
ok 'the oldest is there' test -d "$DEPLOYD_ROOT/blog/releases/$first"
ok 'the one before, too' test -d "$DEPLOYD_ROOT/blog/releases/$second"
fill
serve
{
	hello
	control ask 'verb rollback' 'app blog'
} >&3
finish
is 'a rollback works' "$(got outcome)" rolled-back
is 'to the one before' "$(live blog)" "$second"
is 'and all the room that was kept for it is there again' \
	"$(stat -c '%s' "$own"/ballast.* | sort | uniq -c | tr -s ' ')" ' 8 8192'
like 'it is in the history' "$own/history" " rollback $second $third "
like 'what it went back from is held' "$own/records/$third" '^held yes'
like 'and the other is recorded as live' "$own/records/$second" '^checked yes'

# Full while files arrive.
rm "$DEPLOYD_ROOT/filler"
head -c 9000000 /dev/zero >"$DEPLOYD_ROOT/filler"
serve
{
	head -c 3000000 /dev/urandom >app/data
	push blog app
	tell_manifest
} >&3
await need-end
cat /dev/zero >"$DEPLOYD_ROOT/filler2" 2>/dev/null
echo data | tell_files app >&3
finish
is 'a disk that fills up meanwhile' "$(got status)" 4
like 'is told as such' "$TRACE" 'error .*No space left'
is 'what is live stays' "$(live blog)" "$second"
rm "$DEPLOYD_ROOT"/filler*

# What is left over for others.
head -c 30000000 /dev/zero >"$DEPLOYD_ROOT/filler"
deploy
is 'an upload leaves 64 MB free' "$(got status)" 4
like 'which is said' "$TRACE" 'error .* and 67108864 in reserve'
like 'with the key' "$TRACE" 'hint .*reserve in deployd.conf'
mkdir tree
cp "$DEPLOYD_ROOT/blog/current/data" tree/renamed
serve
{
	push blog tree
	tell_manifest
} >&3
finish
is 'a rename sends nothing and needs no reserve' "$(got outcome)" deployed
rm -r tree
printf '[deployd]\nreserve = 1M\n' >"$DEPLOYD_CONF"
deploy
is 'the admin may have less kept' "$(got outcome)" deployed
: >"$DEPLOYD_CONF"
rm "$DEPLOYD_ROOT"/filler*
deploy
is 'with room again' "$(got outcome)" deployed
ok 'there is new ballast' test -s "$own/ballast.7"

# A build that fills it.
printf '[hooks]\nbuild = cat /dev/zero >product; true\n' >"$SETTINGS"
deploy
is 'a build that fills the disk, and does not mind' "$(got status)" 4
like 'what could not be written then is named' "$TRACE" 'error cannot write \.deployd/built: No space left'
settle
is 'what it made is gone' "$(find "$DEPLOYD_ROOT/blog" -name product)" ''
size=$(df --output=avail -B 1M "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' ')
ok "there is room again ($size MB)" test "$size" -gt 60
ok 'what was uploaded is not gone' test -s "$own/next/data"
is 'standard error was silent' "$(cat "$ERRORS")" ''
done_testing
