#!/bin/sh
# What retention dropped is not trusted to be ours alone.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

own=$DEPLOYD_ROOT/blog/.deployd
printf '[deployd]\nkeep = 1\n' >"$DEPLOYD_CONF"
make_tree app
mkdir app/cache app/shut

# as_user COMMAND...: not as root, to whom nothing is in the way.
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}
# edit N: a deploy as another than root, all of which is over afterwards.
edit() {
	echo "$1" >app/one
	as_user "$DEPLOY" local:blog app
	edit_rc=$?
	settle
	return $edit_rc
}

if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$TMP"
	mkdir -p "$DEPLOYD_ROOT"
	chown 65534:65534 "$DEPLOYD_ROOT"
	for i in 1 2 3 4 5 6; do
		ok "with files of root in the old ones: deploy $i" edit "$i"
		mkdir -p "$DEPLOYD_ROOT/blog/current/cache/made"
		: >"$DEPLOYD_ROOT/blog/current/cache/made/it"
		chown 0:0 "$DEPLOYD_ROOT/blog/current/run"
	done
	ok 'a seventh' edit 7
	is 'has none of them' "$(find "$DEPLOYD_ROOT/blog/current/" ! -uid 65534)" ''
	same_tree 'and is the tree' app blog

	# What a failed build left is not dropped, but used again.
	cat >app/deploy.conf <<-'END'
	[hooks]
	build = sh -c 'until [ -e "$DEPLOY_APP_DIR/../../go" ]; do sleep 0.05; done; false'
	END
	printf 'precious\n' >app/precious
	cat >"$TMP/chown-it" <<-END
	until [ -e "$DEPLOYD_ROOT/blog/releases/"*/precious ]; do sleep 0.05; done
	for d in "$DEPLOYD_ROOT/blog/releases/"*/; do
		[ -e "\$d/precious" ] || continue
		mkdir "\$d/cache/made" && : >"\$d/cache/made/it"
		chown 0:0 "\$d/run"
	done
	: >"$TMP/go"
	END
	sed -i "s|\\\$DEPLOY_APP_DIR/../../go|$TMP/go|" app/deploy.conf
	spawn "$TMP/chowned" sh "$TMP/chown-it"
	chowner=$PID
	fails 7 'a failed build' edit 8
	wait "$chowner"
	fails 1 'is not used again with what is not ours' test -e "$own/next/cache/made"
	inode=$(stat -c %i "$own/next/precious")
	rm app/deploy.conf
	ok 'which does not stop the next deploy' edit 8
	same_tree 'that is the tree' app blog
	is 'and made of what was uploaded' \
		"$(stat -c %i "$DEPLOYD_ROOT/blog/current/precious")" "$inode"
	is 'without what is not ours' "$(find "$DEPLOYD_ROOT/blog/current/" ! -uid 65534)" ''

	# Nor does what root left where the next one is made.
	inode=$(stat -c %i "$own/next/precious")
	mkdir "$own/next/cache/made" && : >"$own/next/cache/made/it"
	ok 'nor does what root left in next/' edit 9
	same_tree 'which leads to the tree' app blog
	is 'made of what lay there' \
		"$(stat -c %i "$DEPLOYD_ROOT/blog/current/precious")" "$inode"
	is 'without that' "$(find "$DEPLOYD_ROOT/blog/current/" ! -uid 65534)" ''
else
	skip 'files of another owner' 'only root can make them'
fi

# Nor is what somebody still writes to, or whose directory somebody is in.
log() {
	echo "$1" >app/one
	"$DEPLOY" local:log app
	log_rc=$?
	settle
	return $log_rc
}
rm -f app/deploy.conf
[ "$(id -u)" -ne 0 ] || chown 0:0 "$DEPLOYD_ROOT"
printf 'as deployed\n' >app/log.txt
ok 'a release with a log' log 1
made=$DEPLOYD_ROOT/log/.deployd/next
exec 7>>"$DEPLOYD_ROOT/log/current/log.txt" 8<"$DEPLOYD_ROOT/log/current/" \
	9<"$DEPLOYD_ROOT/log/current/src/deep"
inodes='' again=0
for i in 2 3 4 5 6 7; do
	ok "deploy $i" log "$i"
	fails 1 'has a log of its own' test \
		"$DEPLOYD_ROOT/log/current/log.txt" -ef /dev/fd/7
	for dir in "$DEPLOYD_ROOT/log/current" "$made"; do
		fails 1 'and directories' test "$dir/" -ef /dev/fd/8
		fails 1 'of its own' test "$dir/src/deep" -ef /dev/fd/9
	done
	# One that is gone cannot be written into, one that is to go is only that.
	touch /proc/self/fd/8/strange /proc/self/fd/9/er/strange 2>/dev/null
	inode=$(stat -c %i "$DEPLOYD_ROOT/log/current/run")
	case $inodes in
	*" $inode "*) again=$((again + 1)) ;;
	esac
	inodes="$inodes $inode "
done
exec 7>&- 8>&- 9>&-
is 'nobody gets into what is released' \
	"$(find "$DEPLOYD_ROOT/log/current/" "$made" -name strange)" ''
ok 'files are taken over all the same' test "$again" -gt 0
done_testing
