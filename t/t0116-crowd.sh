#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# Many at a time: apps side by side, deploys of one app in a queue, and those
# who come and say nothing.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

SOAK=${SOAK:-}
apps=10 queue=4 idle=10
[ -z "$SOAK" ] || apps=50 queue=8 idle=50
printf '[deployd]\nmax_sessions = 200\n' >"$DEPLOYD_CONF"
mkdir out idle

# at_once COUNT COMMAND: COMMAND 1 to COMMAND COUNT beside each other; their
# statuses, each once.
at_once() {
	once_pids=
	once_i=0
	while [ "$once_i" -lt "$1" ]; do
		once_i=$((once_i + 1))
		"$2" $once_i >"$TMP/out/$once_i" 2>&1 &
		once_pids="$once_pids $!"
	done
	for once_pid in $once_pids; do
		wait "$once_pid"
		echo $?
	done >"$TMP/all"
	sort -u "$TMP/all"
}

make_tree app
deploy_app() {
	"$DEPLOY" "local:app$1" app
}
of_all() {
	n=0
	while [ "$n" -lt "$apps" ]; do
		n=$((n + 1))
		listing "$DEPLOYD_ROOT/app$n/current/"
	done | sort -u
}
at_once "$apps" deploy_app >statuses
is "$apps first deploys at once" "$(cat statuses)" 0
listing app | sort -u >want
is 'all are whole' "$(of_all)" "$(cat want)"
echo edited >app/one
at_once "$apps" deploy_app >statuses
is 'and their next ones' "$(cat statuses)" 0
listing app | sort -u >want
is 'all are whole' "$(of_all)" "$(cat want)"

# One app: each waits for those before it.
tree_of() {
	cp -a app "tree$1"
	echo "$1" >"tree$1/one"
}
deploy_tree() {
	"$DEPLOY" --wait=300 local:app1 "tree$1"
}
n=0
while [ "$n" -lt "$queue" ]; do
	n=$((n + 1))
	tree_of $n
done
at_once "$queue" deploy_tree >statuses
is "$queue deploys of one app at once" "$(cat statuses)" 0
is 'each was live in its turn' \
	"$(events app1 | tr ' ' '\n' | grep -cx live)" $((queue + 2))
last=$(cat "$DEPLOYD_ROOT/app1/current/one")
same_tree 'the last of them is' "tree$last" app1
settle
is 'nothing is left of the others' "$(ls "$DEPLOYD_ROOT/app1/.deployd/tmp" \
	"$DEPLOYD_ROOT/app1/.deployd/trash")" \
	"$DEPLOYD_ROOT/app1/.deployd/tmp:

$DEPLOYD_ROOT/app1/.deployd/trash:"

# Those who stall: before a word, within one, with a lock of their own.
stall() {
	mkfifo "idle/$1"
	"$DEPLOYD" --serve <>"idle/$1" >/dev/null 2>&1 &
	idlers="$idlers $!"
	reap $!
	case $(($1 % 4)) in
	0) ;;
	1) printf 'deploy-pro' ;;
	2) hello ;;
	3) push "idle$1" app ;;
	esac >"idle/$1"
}
idlers=
n=0
while [ "$n" -lt "$idle" ]; do
	n=$((n + 1))
	stall $n
done
i=0
until [ -e "$DEPLOYD_ROOT/idle3/.deployd/lock" ] || [ $i -gt 200 ]; do
	i=$((i + 1))
	sleep 0.05
done
echo beside >app/one
at_once "$apps" deploy_app >statuses
is "$apps deploys beside $idle who say nothing" "$(cat statuses)" 0
listing app | sort -u >want
is 'all are whole' "$(of_all)" "$(cat want)"
fails 5 'only the app that one of them holds is busy' \
	"$DEPLOY" local:idle3 app
printf '[deployd]\nmax_sessions = %d\n' "$((idle / 4))" >"$DEPLOYD_CONF"
# A place is whose request has come.
fails 5 'where there is no place for more' "$DEPLOY" local:app1 tree1
like 'it is said' "$OUT" "this server has $((idle / 4)) sessions already"
for pid in $idlers; do
	kill "$pid"
	wait "$pid" 2>/dev/null
done
ok 'once they are gone there is' "$DEPLOY" local:app1 tree1
ok 'and their app is free' "$DEPLOY" local:idle3 app
done_testing
