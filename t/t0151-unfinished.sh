#!/bin/sh
# A switch that was cut off and whose outcome cannot be written: nothing is
# told to be mended that was not, and the app is not restarted for nothing.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_need
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
make_tree app
printf '[hooks]\nrestart = echo >>%s\n' "$TMP/restarts" >app/deploy.conf
ok 'a first deploy' "$DEPLOY" local:blog app
first=$(live blog)
echo ONE >app/one
ok 'a second' "$DEPLOY" local:blog app
second=$(live blog)
settle
cp "$OWN/history" "$TMP/history"

# What a crash behind a switch leaves.
cut_off() {
	sed '$d' "$TMP/history" >"$OWN/history"
	sed -i '/^checked/d' "$OWN/records/$second"
	: >"$TMP/restarts"
}
restarts() {
	grep -c '' "$TMP/restarts"
}
# faulty_fsck FAULT...
faulty_fsck() {
	rm -f "$TMP/hit"
	"$FAULT" -p deployd -f "$APP" -l "$TMP/hit" "$@" "$DEPLOYD" fsck blog
}
cut_off
like 'a switch is without an outcome' "$(tail -n 1 "$OWN/history")" \
	" switching $second $first "

# each STATUS ERROR WORDS HINT: nothing at all can be written.
each() {
	fails "$1" "$2: fsck cannot finish it" faulty_fsck -c write -a "$2+"
	like 'which is told' "$OUT" "^deployd: cannot write $OWN/history: $3"
	like 'with what to do' "$OUT" "^deployd: .*$4"
	unlike 'nothing is repaired' "$OUT" 'repaired'
	is 'the app was not restarted' "$(restarts)" 0
}
each 4 ENOSPC 'No space left on device' 'make room on the server'
each 4 EDQUOT 'Disk quota exceeded' 'quota on the server is used up'
each 6 EIO 'Input/output error' "the server's disk fails"
faulty -f "$APP" -c write -a ENOSPC+
fails 4 'nor can a deploy' "$DEPLOY" --deployd="$TMP/faulty" local:blog app
like 'which tells the same' "$OUT" "^deploy: cannot write $OWN/history: No space left"
is 'it did not restart either' "$(restarts)" 0

# What is told to be repaired is on disk, and what failed is said.
judge() {
	if grep -q 'a switch was cut off (repaired' "$TMP/said"; then
		grep -q " live $second $first recovery " "$OWN/history" ||
			echo 'the history lacks the outcome'
		grep -q '^checked yes' "$OWN/records/$second" ||
			echo 'the record lacks the check'
	fi
	case $1 in
	0) ! grep 'Input/output error' "$TMP/said" ;;
	1) grep -q '(left: .*Input/output error' "$TMP/said" ;;
	6) grep -q '^deployd: .*Input/output error' "$TMP/said" ;;
	*) false ;;
	esac || cat "$TMP/said"
}

# What cannot be written only afterwards.
n=1
while [ $n -lt 40 ]; do
	cut_off
	faulty_fsck -c write -n $n -a EIO >"$TMP/said" 2>&1
	status=$?
	faults_settle
	[ -n "$(faults_hit)" ] || break
	is "write $n failed, with status $status" "$(judge $status)" ''
	n=$((n + 1))
done
diag "$((n - 1)) writes"
ok 'there were some' test $n -gt 3
cut_off
ok 'with room it is finished' "$DEPLOYD" fsck blog
is 'with one restart' "$(restarts)" 1
like 'which is in the history' "$OWN/history" " recovering $second $first recovery "
like 'with its outcome' "$OWN/history" " live $second $first recovery "
ok 'then nothing is wrong' "$DEPLOYD" fsck blog
is 'and nothing is restarted' "$(restarts)" 1
done_testing
