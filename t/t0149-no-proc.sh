#!/bin/sh
# A server without /proc, as one in a chroot may be.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

! instrumented || skip_all 'sanitizers look at /proc'
cat >without <<END
#!/bin/sh
exec unshare -m sh -c 'mount -t tmpfs none /proc && exec "\$@"' \
	sh "$DEPLOYD" "\$@"
END
chmod 755 without
why=$(unshare -m mount -t tmpfs none /proc 2>&1) ||
	skip_all "no file system can be mounted: $why"
deploy() {
	"$DEPLOY" "$@" --deployd="$TMP/without" local:blog
}

make_tree app
ok 'a deploy' deploy -C app push
same_tree 'is whole' app blog
printf '[app]\nshared = storage/\n[hooks]\nbuild = mkdir made; chmod 500 made\n' \
	>app/deploy.conf
for i in 2 3 4 5; do
	echo $i >app/one
	ok "deploy $i" deploy -C app push
	settle
done
printf 'modes are set as well' >app/run
chmod 644 app/run
rm app/deploy.conf
ok 'another one' deploy --force -C app push
same_tree 'is whole, too' app blog
ok 'a rollback' deploy rollback
is 'goes back' "$(cat "$DEPLOYD_ROOT/blog/current/run")" "$(printf '#!/bin/sh\necho run')"
chmod 600 "$DEPLOYD_ROOT/blog/current/one"
rmdir "$DEPLOYD_ROOT/blog/current/empty"
ok 'fsck' ./without fsck blog
like 'mends modes and directories' "$OUT" 'empty'
ok 'to the last' ./without fsck -n blog
settle
is 'what retention dropped is gone' "$(ls -A "$DEPLOYD_ROOT/blog/.deployd/trash")" ''

done_testing
