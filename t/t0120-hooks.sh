#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# Hooks beside clients that stop reading, deadlines, what is left running.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
own=$DEPLOYD_ROOT/blog/.deployd
mkdir app
n=0

# deploy LINES-OF-HOOKS [PUSH LINES]: another tree with these.
say() {
	n=$((n + 1))
	echo $n >app/version
	printf '[hooks]\n%s\n' "$1" >"$SETTINGS"
	shift
	push blog app 'hooks 1' "$@"
	tell_manifest
	echo version | tell_files app
}
deploy() {
	serve
	say "$@" >&3
	finish
}

# What is left running.
deploy "restart = (sleep 1; echo one; sleep 0.2; echo two; echo done >$TMP/wrote) & echo \$! >$TMP/left"
is 'restart leaves something behind' "$(got outcome)" deployed
i=0
until [ -e "$TMP/wrote" ] || [ $i -gt 80 ]; do
	i=$((i + 1))
	sleep 0.1
done
ok 'it may go on writing when deployd has ended' test -e "$TMP/wrote"
unlike 'nobody waited for it' "$TRACE" '^    one'

deploy "build = (trap '' TERM; exec sleep 61) & sleep 0.1; echo \$! >$TMP/left"
is 'so may a build' "$(got outcome)" deployed
ok 'no group is killed that has no deadline' kill -0 "$(cat left)"
kill -9 "$(cat left)"

# What hooks are told is there.
deploy "build = ls -d \"\$DEPLOY_SHARED_DIR\" \"\$DEPLOY_CACHE_DIR\""
is 'shared/ and cache/ are there, asked for or not' "$(got outcome)" deployed

# A shared file that is missing.
SSH_CONNECTION='192.0.2.1 1 192.0.2.2 22'
export SSH_CONNECTION
deploy "[app]
shared = sub/other.key"
unset SSH_CONNECTION
is 'a shared file that is missing' "$(got status)" 4
is 'comes with the command that brings it' "$(got hint)" \
	"supply it: scp sub/other.key $(id -un)@$(hostname):$DEPLOYD_ROOT/blog/shared/sub/other.key"
ok 'whose directory is there' test -d "$DEPLOYD_ROOT/blog/shared/sub"

# Deadlines.
deploy "build = trap 'echo told to end; exit 3' TERM; sleep 62 & echo \$! >$TMP/left; wait
build_timeout = 1"
is 'a build that takes too long' "$(got status)" 7
like 'is told to end, and its last words are heard' "$TRACE" '^    told to end'
like 'the error says how long it had' "$TRACE" 'error .*longer than 1 s'
fails 1 'with all of its group' kill -0 "$(cat left)"

began=$(date +%s)
deploy "build = trap '' TERM; echo \$\$ >$TMP/left; while :; do sleep 1; done
build_timeout = 1"
is 'one that does not listen' "$(got status)" 7
fails 1 'is killed' kill -0 "$(cat left)"
took=$(($(date +%s) - began))
ok "after ten seconds ($took)" test $took -ge 10 -a $took -le 20

# A group whose shell goes first has its time all the same.
deploy "build = (trap 'sleep 1; echo saved >$TMP/saved; exit' TERM; while :; do sleep 0.1; done) & exec sleep 63
build_timeout = 1"
is 'a shell that ends at once' "$(got status)" 7
ok 'does not cut its group short' test -e "$TMP/saved"

deploy 'build = kill -9 $$'
like 'a signal is named' "$TRACE" 'error .*killed by signal 9'
deploy 'build = printf "\\033[31m\\000red\\n"; exit 4'
is 'any byte may be printed' "$(got status)" 7
deploy 'build = cat'
is 'standard input is empty' "$(got outcome)" deployed

printf '[deployd]\numask = 027\n' >"$DEPLOYD_CONF"
deploy 'build = echo made >made'
: >"$DEPLOYD_CONF"
is 'umask narrows what a build makes' "$(stat -c %a "$DEPLOYD_ROOT/blog/current/made")" 640
is 'and the release' "$(stat -c %a "$DEPLOYD_ROOT/blog/current/.")" 750
is 'and what was deployed' "$(stat -c %a "$DEPLOYD_ROOT/blog/current/version")" 640

# Much output, read slowly or not at all.
deploy 'build = yes 0123456789abcdef | head -c 30000000'
is 'thirty megabytes of output' "$(got outcome)" deployed
ok 'all of it is passed on' test "$(wc -c <"$REPLY")" -gt 30000000
log=$own/logs/$(live blog)
ok 'the log is bounded' test "$(wc -c <"$log")" -lt 9000000
like 'and says so' "$log" 'the log is full'

# silent LINES: a client that writes but does not read.
silent() {
	rm -f "$TMP/.serve/out"
	mkfifo "$TMP/.serve/in2" "$TMP/.serve/out"
	: >"$TRACE"
	DEPLOY_TRACE=$TRACE "$DEPLOYD" --serve <"$TMP/.serve/in2" \
		>"$TMP/.serve/out" 2>>"$ERRORS" &
	PID=$!
	reap "$PID"
	exec 3>"$TMP/.serve/in2" 4<"$TMP/.serve/out"
	rm "$TMP/.serve/in2"
	say "$@" >&3
}
silent "build = yes | head -c 80000000; echo built >$TMP/built"
sleep 2
ok 'a build waits for a client that does not read' test ! -e "$TMP/built"
size=$(awk '/^VmRSS/ { print $2 }' "/proc/$PID/status")
# A sanitizer has 20 MB of its own.
ok "in bounded memory ($size KB)" test "$size" -lt 50000
exec 3>&- 4<&-
wait "$PID"

before=$(live blog)
silent "restart = yes | head -c 20000000; echo restarted >$TMP/restarted
restart_timeout = 30"
i=0
until [ -e "$TMP/restarted" ] || [ $i -gt 200 ]; do
	i=$((i + 1))
	sleep 0.1
done
ok 'restart does not: the client only watches' test -e "$TMP/restarted"
i=0
while kill -0 "$PID" 2>/dev/null && [ $i -lt 150 ]; do
	i=$((i + 1))
	sleep 0.1
done
like 'it went live' "$own/history" " live $(live blog) $before "
exec 3>&- 4<&-
wait "$PID"

# One that pauses and pings gets all of its answer.
rm -f "$TMP/.serve/in2" "$TMP/.serve/out"
mkfifo "$TMP/.serve/in2" "$TMP/.serve/out"
: >"$TRACE"
DEPLOY_TRACE=$TRACE "$DEPLOYD" --serve <"$TMP/.serve/in2" \
	>"$TMP/.serve/out" 2>>"$ERRORS" &
PID=$!
reap "$PID"
exec 3>"$TMP/.serve/in2" 4<"$TMP/.serve/out"
printf 'seq\0001\00020000\0' >words
{
	hello
	control ask 'verb run' 'app blog'
	frame words words
	control input-end
} >&3
# It has answered; what it said is neither in the pipe nor taken.
await result
i=0
while [ $i -lt 8 ]; do
	i=$((i + 1))
	control .ping >&3
	sleep 1
done
cat <&4 >"$TMP/paused" &
reader=$!
reap "$reader"
exec 3>&- 4<&-
wait "$PID"
wait "$reader"
grep -a -A 1 -x 20000 "$TMP/paused" >"$TMP/ending"
like 'a client that pauses and pings gets all of it' "$TMP/ending" '^result '

# A client that is gone after the switch.
before=$(live blog)
serve
say "restart = echo at it; sleep 1; echo \$DEPLOY_RELEASE >$TMP/after" >&3
until grep -q '^    at it' "$TRACE"; do sleep 0.05; done
serve_end
is 'a client gone after the switch changes nothing' "$(cat "$TMP/after")" "$(live blog)"
like 'and the outcome is recorded' "$own/history" " live $(live blog) $before "
serve
say "restart = echo at it; sleep 1" >&3
until grep -q '^    at it' "$TRACE"; do sleep 0.05; done
control abort >&3
finish
is 'an abort after the switch is too late' "$(got outcome)" deployed

# Retries.
rm -f "$TMP/tries"
deploy "check = echo try >>$TMP/tries; test \$(wc -l <$TMP/tries) -ge 3
check_timeout = 30"
is 'a check is tried again' "$(got outcome)" deployed
is 'until it passes' "$(wc -l <"$TMP/tries")" 3
good=$(live blog)
deploy "check = sleep 64
check_timeout = 1"
is 'a check that hangs' "$(got status)" 8
is 'is switched back from' "$(live blog)" "$good"

# It has its time until the end, and the last try is just before that.
deploy "restart = date +%s%N >$TMP/since
check = test \$((\$(date +%s%N) - \$(cat $TMP/since))) -ge 2600000000
check_timeout = 3"
is 'a check that passes at last' "$(got outcome)" deployed
rm -f "$TMP/tries"
deploy "check = echo try >>$TMP/tries; test \$(wc -l <$TMP/tries) = 1 || exec sleep 65; exit 42
check_timeout = 1"
is 'one that is cut short when tried again' "$(got status)" 8
like 'failed for the reason before' "$TRACE" \
	'error .*exited with 42; tried 2 times in 1 s'
good=$(live blog)
deploy "restart = test \$(cat version) != $((n + 1))"
is 'a restart that fails' "$(got status)" 8
is 'with its stage' "$(got stage)" restart
deploy "restart = test \$(cat version) = $((n + 1)) && ! test -e $TMP/broken"
good=$(live blog)
touch "$TMP/broken"
deploy 'restart = false'
is 'the one before fails to restart as well' "$(got status)" 9
is 'it is live all the same' "$(live blog)" "$good"
like 'a person is asked for' "$TRACE" 'hint a person is needed'
like 'it is in the history' "$own/history" ' broken .*switching'
ok 'status' "$DEPLOY" status local:blog
like 'shows what is live' "$OUT" "live +$good.*its check has not passed"
like 'and why' "$OUT" 'reason .*restart.*switching back failed: restart'
ok 'releases' "$DEPLOY" releases local:blog
like 'too' "$OUT" "$good  live,unchecked .*switching back failed"
ok 'and the admin' "$DEPLOYD" status blog
like 'is told' "$OUT" '^unchecked .*switching back failed'
rm "$TMP/broken"
cp "$own/records/$good.settings" "$SETTINGS"
cp "$DEPLOYD_ROOT/blog/current/version" app/version
serve
push blog app 'hooks 1' >&3
finish
is 'pushing its tree once more' "$(got outcome)" same
like 'restarts it' "$TRACE" 'name restart'
serve
push blog app 'hooks 1' >&3
finish
unlike 'and that is enough' "$TRACE" 'name restart'
ok 'status' "$DEPLOY" status local:blog
unlike 'has no more to say' "$OUT" 'check has not|reason'

# Current that moves between build and switch.
rm -f "$TMP/go"
serve
say "build = until [ -e $TMP/go ]; do sleep 0.1; done
migrate = touch $TMP/migrated" >&3
until grep -q 'name build' "$TRACE"; do sleep 0.05; done
{
	hello
	control ask 'verb rollback' 'app blog'
} >bytes
# It does not close before it has its answer.
mkfifo question
"$DEPLOYD" --serve <question >answer 2>>"$ERRORS" &
rollback=$!
exec 4>question
cat bytes >&4
until grep -q '^outcome' answer; do sleep 0.05; done
exec 4>&-
wait "$rollback"
like 'a rollback waits for no build' ./answer '^outcome rolled-back'
touch "$TMP/go"
finish
is 'the deploy that was under way then stops' "$(got status)" 4
ok 'before its migrate' test ! -e "$TMP/migrated"
rm "$TMP/go"
(
	sleep 0.5
	touch "$TMP/go"
) &
deploy "migrate = until [ -e $TMP/go ]; do sleep 0.1; done; exit 5"
is 'a migrate that fails' "$(got status)" 7
like 'says that the database may have changed' "$TRACE" 'error .*database may have changed'

is 'standard error was silent' "$(cat "$ERRORS")" ''
done_testing
