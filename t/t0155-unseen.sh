#!/bin/sh
# Where what is asked for fails: what cannot be looked at is not gone.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"
faults_need

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
own=$DEPLOYD_ROOT/blog/.deployd
make_tree app
ok 'a first deploy' "$DEPLOY" local:blog app
echo ONE >app/one
ok 'a second' "$DEPLOY" local:blog app
echo TWO >app/one
printf '[hooks]\ncheck = false\ncheck_timeout = 1\n' >app/deploy.conf
fails 8 'one that is held' "$DEPLOY" local:blog app
cp -a "$own" "$TMP/own"

kept() {
	find "$own/records" "$own/logs" "$own/manifests" -type f | LC_ALL=C sort
}
kept >"$TMP/kept"

# unseen NAME ACTION COMMAND: at each of its opens in turn.
unseen() {
	n=0
	lost=0
	while :; do
		n=$((n + 1))
		faulty -n $n -c open -a "$2" -f "$own"
		"$TMP/faulty" "$3" blog >"$TMP/said" 2>&1
		faults_settle
		[ -n "$(faults_hit)" ] || break
		[ -n "$(kept | comm -13 - "$TMP/kept")" ] || continue
		lost=$((lost + 1))
		diag "call $n: $(cat "$TMP/said")"
		rm -rf "$own"
		cp -a "$TMP/own" "$own"
	done
	ok "$1: there were such calls" test $n -gt 10
	is "$1: nothing was removed" $lost 0
}
for command in fsck prune; do
	unseen "$command, an open fails" EIO "$command"
	unseen "$command, none succeeds any more" EIO+ "$command"
done
ok 'and all is well' "$DEPLOYD" fsck blog

# A deploy of the held tree, of whose record each part cannot be read in turn.
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
n=0
deployed=0
untold=0
while :; do
	n=$((n + 1))
	faulty -n $n -c openat2,openat,read -a EIO -f "$own"
	"$DEPLOY" --deployd="$TMP/faulty" local:blog app >"$TMP/said" 2>&1
	status=$?
	faults_settle
	settle
	[ -n "$(faults_hit)" ] || break
	if grep -q 'cannot tell whether .*record of .*Input/output' "$TMP/said"; then
		untold=$((untold + 1))
		grep -q -e --force "$TMP/said" || diag "$(cat "$TMP/said")"
	fi
	# Its check fails, as before.
	[ $status -eq 8 ] || continue
	deployed=$((deployed + 1))
	diag "call $n: $(faults_hit)"
done
is 'none of them lets a held tree pass' $deployed 0
ok 'it is said why it does not' test $untold -gt 1
fails 4 'nor is it when all is well' "$DEPLOY" local:blog app
like 'as it is held' "$OUT" 'this tree is held'
done_testing
