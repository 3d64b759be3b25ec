#!/bin/sh
# A store on a file system that has become read-only, as a failing one does:
# what only reads answers, what writes says why it cannot.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs -o size=200m tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT" 2>/dev/null; tap_exit' EXIT
make_tree app
printf '[hooks]\nbuild = echo built\nrestart = true\n' >app/deploy.conf
for n in 1 2; do
	echo $n >app/one
	ok "release $n" "$DEPLOY" local:blog app
done
second=$(live blog)
set_variable() {
	echo 1 | "$DEPLOY" env set local:blog "$1"
}
ok 'a variable' set_variable A
settle
mount -o remount,ro "$DEPLOYD_ROOT"
own=$DEPLOYD_ROOT/blog/.deployd

# reads PATTERN WORD...: it answers.
reads() {
	reads_what=$1
	shift
	ok "$*" "$DEPLOY" "$@"
	like 'answers' "$OUT" "$reads_what"
}
reads "$second" status local:blog
reads "$second" releases local:blog
reads built log local:blog
reads 'as deployed' verify local:blog
reads A env list local:blog
reads '0 added, 0 changed, 0 removed' diff local:blog app
echo 3 >app/one
ok 'diff of a change' "$DEPLOY" diff local:blog app
like 'tells it' "$OUT" 'one'
ok 'fsck -n' "$DEPLOY" fsck -n local:blog
ok 'on the server' "$DEPLOYD" fsck -n blog
like 'reads all' "$OUT" 'files read, nothing is wrong'
ok 'deployd status' "$DEPLOYD" status blog
ok 'deployd releases' "$DEPLOYD" releases blog
ok 'fetch' "$DEPLOY" fetch local:blog "$second" -O "$TMP/fetched"
"$DEPLOYD" doctor >"$TMP/said" 2>&1
like 'doctor says so' "$TMP/said" \
	"^fault root *$DEPLOYD_ROOT is on a read-only file system: .*kernel's log"
"$DEPLOY" doctor local:blog >"$TMP/said" 2>&1
like 'over SSH as well' "$TMP/said" "^fault root *$DEPLOYD_ROOT is on a read-only"

# writes PATH WORD...: it is refused.
writes() {
	writes_path=$1
	shift
	fails 4 "$*" "$@"
	like 'names the path and the reason' "$OUT" \
		"^deployd?: .*$writes_path: Read-only file system\$"
	like 'and what to do' "$OUT" \
		"^deployd?: the server's file system is read-only: its kernel's log may say why"
}
writes "$DEPLOYD_ROOT/.deployd/session.0" "$DEPLOY" local:blog app
writes "$own/switch.lock" "$DEPLOY" rollback local:blog
writes "$own/switch.lock" "$DEPLOY" restart local:blog
writes "$own/lock" "$DEPLOY" prune local:blog
writes "$own/lock" "$DEPLOY" fsck local:blog
writes "$own/switch.lock" "$DEPLOY" pin local:blog "$second"
writes "$own/lock" "$DEPLOY" remove --confirm=blog local:blog
writes "$own/env.lock" set_variable B
writes "$own/history" "$DEPLOY" run local:blog -- true
writes "$DEPLOYD_ROOT/.deployd/session.0" "$DEPLOY" local:other app
writes "$own/switch.lock" "$DEPLOYD" rollback blog
writes "$own/lock" "$DEPLOYD" prune blog
writes "$own/lock" "$DEPLOYD" fsck blog
mount -o remount,rw "$DEPLOYD_ROOT"
ok 'once it can be written to again' "$DEPLOY" local:blog app
ok 'nothing is wrong' "$DEPLOYD" fsck -n blog
done_testing
