#!/bin/sh
# Where the file system clones files, copies of other releases take no room.
. "$(dirname "$0")/lib/tap.sh"

PATH=$PATH:/usr/sbin:/sbin
own_mounts
. "$TOP/t/lib/app.sh"

command -v mkfs.xfs >/dev/null || skip_all 'there is no mkfs.xfs'
mkdir "$DEPLOYD_ROOT"
truncate -s 320m disk
{
	mkfs.xfs -q -m reflink=1 disk && mount -o loop disk "$DEPLOYD_ROOT"
} 2>why || skip_all "$(head -n 1 why)"
trap 'umount "$DEPLOYD_ROOT"; tap_exit' EXIT

# leave BYTES: uploads leave so much less free than there is.
leave() {
	left=$(df -B1 --output=avail "$DEPLOYD_ROOT" | tail -n 1)
	printf '[deployd]\nspare = no\nreserve = %d\n' $((left - $1)) \
		>"$DEPLOYD_CONF"
}

mkdir app
head -c 60000000 /dev/urandom >app/data
echo 1 >app/small
leave 100000000
ok 'a deploy' "$DEPLOY" local:blog app
echo 2 >app/small
leave 30000000
ok 'one that copies more than may be taken' "$DEPLOY" -v local:blog app
unlike 'is not in want of room' "$OUT" 'make room'
same_tree 'and is whole' app blog
head -c 60000000 /dev/urandom >app/more
fails 4 'what is sent does take it' "$DEPLOY" local:blog app
like 'which is said' "$OUT" 'no space: the release needs 6[0-9]* bytes'

done_testing
