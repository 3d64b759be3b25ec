#!/bin/sh
# Bytes that change below the file system, which no time tells: fsck finds
# them, and nothing that vouched for them is believed.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"

command -v mkfs.ext4 >/dev/null || skip_all 'there is no mkfs.ext4'
truncate -s 16M image
mkfs.ext4 -q -O ^has_journal image
mkdir "$DEPLOYD_ROOT"
mounted() {
	mount -o loop image "$DEPLOYD_ROOT" 2>/dev/null
}
unmounted() {
	settle
	umount "$DEPLOYD_ROOT"
}
mounted || skip_all 'no image can be mounted'
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null; tap_exit' EXIT
own=$DEPLOYD_ROOT/blog/.deployd
printf '[deployd]\nreserve = 0\n' >"$DEPLOYD_CONF"
# rot FROM TO: wherever the disk has these bytes.
rot() {
	unmounted
	LC_ALL=C sed -i "s/$1/$2/g" image
	mounted
}
fsck() {
	"$DEPLOYD" fsck "$@" 2>"$TMP/said"
}

make_tree app
# One index vouches for what is older than a tick of the clock.
head -c 2000 /dev/zero | tr '\0' x >app/filler
echo 'mark-of-the-first' >app/one
ok 'a deploy' "$DEPLOY" local:blog app
settle
echo 'mark-of-the-second' >app/two
ok 'another, which leaves a spare' "$DEPLOY" local:blog app
settle
second=$(live blog)
ok 'there is one' test -e "$own/next/one"
ok 'all is well' fsck blog
rot 'mark-of-the-second' 'mark-of-the-rotten'
is 'a release has rotted' "$(cat "$DEPLOYD_ROOT/blog/current/two")" 'mark-of-the-rotten'
fails 1 'which verify finds' "$DEPLOY" verify local:blog
like 'by its content' "$OUT" '^M two	content'
fails 1 'and fsck' fsck blog
like 'in the release' "$OUT" "releases/$second/two: content \\(left"
like 'and in the spare' "$OUT" '\.deployd/next/two: content \(repaired: next/ is dropped\)'
fails 1 'which is gone' test -e "$own/next"
ok 'a deploy after that' "$DEPLOY" --rebuild local:blog app
same_tree 'has what was sent' app blog
ok 'and so has the other' fsck blog
like 'from it' "$OUT" "releases/$second/two: content \\(repaired: copied from releases/$(live blog)/two\\)"
done_testing
