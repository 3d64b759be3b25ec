#!/bin/sh
# A disk with little room: releases are dropped where that lets a deploy
# through, and none is where it would not.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs -o size=20m,nr_inodes=2000 tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null; tap_exit' EXIT
conf() {
	printf '[deployd]\nspare = no\nkeep = 10\nreserve = %s\n' "$1" >"$DEPLOYD_CONF"
}
conf 1M
# some FILE KB
some() {
	head -c "$(($2 * 1024))" /dev/urandom >"$1"
}
releases() {
	(cd "$DEPLOYD_ROOT/blog/releases" && echo *)
}
free() {
	df -k --output=avail "$DEPLOYD_ROOT" | tail -n 1 | tr -d ' '
}
deploy() {
	"$DEPLOY" -v local:blog app
	deploy_status=$?
	settle
	return $deploy_status
}
# refused NAME WHAT: and all stays as it was.
refused() {
	before=$(releases)
	room=$(free)
	fails 4 "$1" deploy
	like 'is refused' "$OUT" "no space: the release needs .*$2"
	like 'which would not help to have' "$OUT" \
		"; dropping $3 old releases would not make enough room\$"
	unlike 'nothing was dropped' "$OUT" 'was dropped'
	is 'all releases are kept' "$(releases)" "$before"
	is 'and nothing new is there' "$(free)" "$room"
}

mkdir app
some app/old 4000
for n in 1 2 3 4 5; do
	some app/data 400
	ok "release $n" deploy
	[ $n -gt 1 ] || rm app/old
done
is 'there are five' "$(releases | wc -w)" 5
oldest=$(releases | cut -d ' ' -f 1)
some app/big 30000
refused 'one that no disk of this size has room for' 'bytes and 1048576 in reserve' 3
rm app/big
mkdir app/many
(cd app/many && seq 3000 | xargs touch)
refused 'nor that many inodes' 'inodes and' 3
rm -r app/many

# What would be dropped holds what would then have to come.
cp "$DEPLOYD_ROOT/blog/releases/$oldest/old" app/old
conf 13M
some "$DEPLOYD_ROOT/filler" $(($(free) - 3000))
refused 'one that is here, in what would be dropped' 'bytes and 0 in reserve' 3
conf 1M
ok 'with less in reserve it is not' deploy
like 'and old releases are dropped' "$OUT" "$oldest was dropped to make room"
is 'to the one before' "$(releases | wc -w)" 3
same_tree 'it is whole' app blog
rm "$DEPLOYD_ROOT/filler"

# What lies in trash/ is thrown away first.
rm app/old
some app/data 500
ok 'another' deploy
before=$(releases)
some "$DEPLOYD_ROOT/blog/.deployd/trash/x" $(($(free) - 1500))
some app/data 600
ok 'where trash takes the room' deploy
unlike 'no release is dropped for it' "$OUT" 'dropped to make room'
is 'all are there' "$(releases | cut -d ' ' -f 1-4)" "$before"
done_testing
