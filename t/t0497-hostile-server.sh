#!/bin/sh
# A server that keeps to nothing: the client ends in time with a status of its
# table, sends nothing that was not rightly asked for, and prints no control
# character.  The tables are in t/hostile.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/hostile.sh"

mkdir -p tree/dir
echo alpha >tree/dir/a
echo beta >tree/dir/b
ln -s dir/a tree/link
head -c 600 /dev/zero >tree/z
hostile 400 "$BUILD/t/hostile/server" "$DEPLOY" "$HOSTILE_KIB"
ok 'no archive came to be' test ! -e got

done_testing
