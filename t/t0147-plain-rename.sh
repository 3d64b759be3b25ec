#!/bin/sh
# File systems on which a name can only be renamed over what is there, or not:
# NFS, and ZFS before 2.2.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_available || skip_all "$FAULTS_WHY"
"$FAULT" -a EINVAL true || skip_all 'this processor is not known to the tracer'
printf '[deployd]\nspare = no\nkeep = 1\n' >"$DEPLOYD_CONF"
faulty -n 1 -c renameat2 -a EINVAL+
plain() {
	rm -f "$TMP/hit"
	"$DEPLOY" "$@" --deployd="$TMP/faulty" local:blog
}

make_tree app
printf '[app]\nshared = src/ one\n' >app/deploy.conf
ok 'what the tree holds seeds shared files' plain -C app push
faults_settle
is 'where a new name is asked for' "$(faults_hit)" 'renameat2 of deployd'
is 'a directory' "$(cat "$APP/shared/src/two")" two
is 'and a file' "$(cat "$APP/shared/one")" one
echo grown >"$APP/shared/one"
echo other >app/one
ok 'once' plain -C app push
is 'what is there stays' "$(cat "$APP/current/one")" grown

# Deeper than is walked down.
(
	cd "$APP/current" || exit 1
	i=0
	while [ $i -lt 100 ]; do
		i=$((i + 1))
		mkdir d && cd d || exit 1
	done
)
for i in 3 4 5; do
	echo $i >app/a
	ok "deploy $i" plain -C app push
done
settle
is 'a deep tree that was dropped is gone' "$(ls -A "$OWN/trash")" ''

ok 'the app is removed' plain remove --confirm=blog
like 'and kept' "$OUT" 'history are in .*/\.removed/blog-[0-9TZ]*\.tar'
settle
is 'nothing is left of it' "$(ls -A "$DEPLOYD_ROOT")" '.deployd
.removed'

done_testing
