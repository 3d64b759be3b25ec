#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# A file system without inodes.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs -o size=200m,nr_inodes=1000 tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null; tap_exit' EXIT
printf '[deployd]\nspare = no\nreserve = 0\n' >"$DEPLOYD_CONF"
# many DIR FROM TO: files with different contents.
many() {
	mkdir -p "$1"
	many_i=$2
	while [ "$many_i" -le "$3" ]; do
		echo "$1 $many_i" >"$1/$many_i"
		many_i=$((many_i + 1))
	done
}
left() {
	df --output=iavail "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' '
}
# No inode is left.
fill() {
	mkdir -p "$DEPLOYD_ROOT/filler"
	(cd "$DEPLOYD_ROOT/filler" && seq -f "$1%g" 1000 | xargs touch) 2>/dev/null
	is 'no inode is left' "$(left)" 0
}

many app/a 1 200
ok 'with inodes all goes well' "$DEPLOY" local:blog app
first=$(live blog)
many app/b 1 600
before=$(left)
fails 4 'a tree that has more entries than there are inodes' "$DEPLOY" local:blog app
like 'is refused, in numbers' "$OUT" "no space: the release needs 8[0-9]{2} inodes and 10 in reserve, $before are free"
like 'with what to do' "$OUT" 'free some on the server: deployd prune blog; what takes room: deployd status blog$'
is 'before anything came' "$(left)" "$before"
is 'what is live stays' "$(live blog)" "$first"
rm -r app/b
for n in 1 2 3; do
	echo $n >app/a/1
	ok 'a small edit' "$DEPLOY" local:blog app
done
second=$(live blog)
echo 4 >app/a/1
ok 'the next has old releases dropped' "$DEPLOY" -v local:blog app
like 'which is said' "$OUT" "$first was dropped to make room"
third=$(live blog)
fill x
fails 4 'without any inode a deploy' "$DEPLOY" --rebuild local:blog app
ok 'a rollback works' "$DEPLOY" rollback local:blog
is 'to the one before' "$(live blog)" "$second"
like 'it is in the history' "$DEPLOYD_ROOT/blog/.deployd/history" " rollback $second $third "
like 'and recorded' "$DEPLOYD_ROOT/blog/.deployd/records/$third" '^held yes'
ok 'nothing of it is wrong' "$DEPLOYD" fsck blog
rm -r "$DEPLOYD_ROOT/filler"

# They run out while files come.
: >"$SETTINGS"
rm -r app
many app 1 150
serve
{
	push small app
	tell_manifest
} >&3
await need-end
fill y
first_files | tell_files app >&3
finish
is 'inodes that run out meanwhile' "$(got status)" 4
like 'are told as no space' "$TRACE" 'error .*No space left'
like 'with what to do' "$TRACE" 'hint make room on the server, of bytes or inodes \(df, df -i\): deploy prune'
rm -r "$DEPLOYD_ROOT/filler"
ok 'with room again' "$DEPLOY" local:small app
same_tree 'it is whole' app small
ok 'and clean' "$DEPLOYD" fsck -n small
done_testing
