#!/bin/sh
# Killed at each system call that changes something: what is live is one whole
# version, nothing stays locked, and the next deploy sends only what is missing.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_available || skip_all "$FAULTS_WHY"
keep() {
	printf '[deployd]\nkeep = %d\n' "$1" >"$DEPLOYD_CONF"
}

# What a kill may not spoil.
recovers() {
	is_whole
	rm -rf "$TMP/none"
	held
	# Without a base nothing is offered unasked.
	XDG_CACHE_HOME=$TMP/none mends
	resends "$TMP/mend"
	[ "$(cat "$OWN/next.spare")" = "$(live blog)" ] || echo 'there is no spare'
}
# As the manual has them: killed before a word was said, in the middle, or
# behind the answer.
ended_well() {
	case $1 in
	0) is_whole && [ "$LIVE" = "$2" ] || echo "status 0, but $LIVE is live" ;;
	3 | 6) grep -q '^deploy: ' "$TMP/said" || echo "status $1 without a word" ;;
	*) echo "status $1" ;;
	esac
	[ "$1" -eq 0 ] || [ "$1" -eq 3 ] || [ "$1" -eq 6 ] || cat "$TMP/said"
}

# What is done until something happens, and what it makes live.
before_deploy() {
	next_version
	wanted=$VERSION
}
deploy() {
	"$DEPLOY" --deployd="$TMP/faulty" local:blog app
}
before_rollback() {
	wanted=$VERSION
	next_version
	"$DEPLOY" -q local:blog app
}
rollback() {
	"$DEPLOY" --deployd="$TMP/faulty" rollback local:blog
}
before_prune() {
	keep 5
	before_rollback
	next_version
	"$DEPLOY" -q local:blog app
	wanted=$VERSION
	settle
	keep 1
}
prune() {
	"$DEPLOY" --deployd="$TMP/faulty" prune local:blog
	keep 2
}
# A switch that was cut off is what the deploy finds.
before_recover() {
	next_version
	touch "$TMP/kill"
	"$DEPLOY" local:blog app >"$TMP/cut" 2>&1
	before_deploy
}
recover() {
	deploy
}
before_again() {
	next_version
	faulty -n "$first" -c change -a kill
	deploy >"$TMP/cut" 2>&1
	faults_settle
	before_deploy
}
again() {
	deploy
}
# The client is killed with all the others.
before_client() {
	before_deploy
}
client() {
	# shellcheck disable=SC2086 # words
	"$FAULT" -p deploy -l "$TMP/hit" $fault "$DEPLOY" local:blog app
}

# each WHAT STRIDE FAULT...: at the first such call, and at each STRIDE further
# on, until there are no more of them.
each() {
	what=$1 stride=$2
	shift 2
	[ -z "$SOAK" ] || [ "$what" = again ] || stride=1
	n=1
	while :; do
		"before_$what"
		settle
		fault="-n $n $*"
		# shellcheck disable=SC2086 # words
		faulty $fault
		"$what" >"$TMP/said" 2>&1
		status=$?
		faults_settle
		settle
		hit=$(faults_hit)
		[ -n "$hit" ] || break
		wrong=
		[ "$what" = client ] || wrong=$(ended_well "$status" "$wanted")
		[ "$what" != rollback ] || next_version
		is "$what, $* at call $n: $hit" "$wrong$(recovers)" ''
		n=$((n + stride))
	done
	diag "$what: $(cat "$TMP/hit") calls"
	ok "$what: there were calls" test "$n" -gt 1
	is 'without a fault it goes well' "$status" 0
}

keep 2
next_version
ok 'a first deploy' "$DEPLOY" local:blog app
next_version
ok 'another one' "$DEPLOY" local:blog app
each deploy 29 -c change -a kill
each deploy 47 -c change -a die
each rollback 17 -c change -a kill
each prune 29 -c change -a kill
each recover 41 -c change -a kill
each client 17 -c change -a kill

# What a kill behind the call leaves is mostly what one before the next does.
[ -z "$SOAK" ] || for what in deploy rollback prune recover; do
	each $what 1 -c change -a after
done
# Killed once more by a deploy that mends.
[ -z "$SOAK" ] || for first in 20 50 80 95 110 125 140 160 180; do
	each again 7 -c change -a kill
done
done_testing
