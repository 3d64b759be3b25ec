#!/bin/sh
# Where what deployd keeps of an app is lost, or in somebody's way, it is told.
. "$(dirname "$0")/lib/tap.sh"
own_mounts
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
make_tree app
ok 'a deploy' "$DEPLOY" -q local:blog app
app=$DEPLOYD_ROOT/blog
first=$(live blog)
settle

mv "$app/.deployd" kept
ln -s "$TMP/kept" "$app/.deployd"
fails 4 'a link for .deployd' "$DEPLOY" local:blog app
like 'is named' "$OUT" "$app/.deployd: Not a directory"
like 'and what to do with it' "$OUT" 'put the directory back'
unlike 'the app is not in the way' "$OUT" 'move it away'
rm "$app/.deployd"
fails 4 'no .deployd' "$DEPLOY" status local:blog
like 'is told by its name' "$OUT" "$app/.deployd: No such file or directory"
like 'and what to do' "$OUT" 'put the directory back'
mkdir "$DEPLOYD_ROOT/other" "$DEPLOYD_ROOT/other/releases"
ln -s releases/20200101 "$DEPLOYD_ROOT/other/current"
fails 4 'fsck of all apps' "$DEPLOYD" fsck
like 'does not pass it over' "$OUT" "blog: $app/.deployd: No such file"
unlike 'as it does what is not ours' "$OUT" other
mv kept "$app/.deployd"
ok 'all is back' "$DEPLOYD" fsck
is 'as it was' "$(live blog)" "$first"

# What cannot be removed.
mkdir "$app/.deployd/trash/old"
if mount -t tmpfs none "$app/.deployd/trash/old" 2>/dev/null; then
	fails 1 'trash that stays' "$DEPLOYD" fsck blog
	like 'is told' "$OUT" 'blog: .deployd/trash: cannot be emptied: Device or resource busy'
	like 'with a command' "$OUT" "as root: rm -r $app/.deployd/trash/\\*"
	umount "$app/.deployd/trash/old"
	ok 'no more' "$DEPLOYD" fsck blog
	ok 'it is empty' rmdir "$app/.deployd/trash"
else
	skip 'nothing can be mounted'
fi
done_testing
