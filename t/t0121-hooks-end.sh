#!/bin/sh
# Hooks end with their deployd, however that ends, and nobody else has the app
# until they have.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

[ -r /proc/self/status ] || skip_all 'there is no /proc'
own=$DEPLOYD_ROOT/blog/.deployd
mkdir app
n=0
# conf LINES: another tree with these.
conf() {
	n=$((n + 1))
	echo $n >app/page
	printf '%s\n' "$@" >app/deploy.conf
}
# In a hook: which process deployd is.
# shellcheck disable=SC2016 # the hook's
deployd='awk "/^PPid/ { print \$2 }" /proc/$PPID/status'
# appears FILE
appears() {
	within 20 test -s "$1"
}
# begin LINE...: a deploy with such a build, until that has begun.
begin() {
	rm -f "$TMP"/pid "$TMP"/began
	conf '[hooks]' "build = $deployd >$TMP/pid; $1"
	spawn "$TMP/said" "$DEPLOY" local:blog app
	appears "$TMP/began" || diag 'the build has not begun'
}
gone() {
	! kill -0 "$1" 2>/dev/null
}
# ends PID
ends() {
	within 20 gone "$1"
}
# Writes to its directory and to that file for as long as it runs.
cat >"$TMP/writer" <<END
#!/bin/sh
echo \$\$ >>$TMP/began
[ "\$1" != deaf ] || trap '' TERM
while :; do
	echo ORPHAN >page
	echo ORPHAN >stray
	sleep 0.05
done
END
chmod 755 "$TMP/writer"

conf
ok 'a release to begin with' "$DEPLOY" local:blog app

# Of what is killed with KILL nobody can clean up but who is left.
for how in KILL TERM; do
	begin "setsid $TMP/writer deaf & $TMP/writer"
	kill -$how "$(cat "$TMP/pid")"
	wait "$PID"
	is "SIG$how to deployd in a build: the client" $? 6
	conf '[hooks]' "build = kill -0 \$(cat $TMP/began) && echo there >$TMP/there"'; true'
	rm -f "$TMP/there"
	[ $how = TERM ] ||
		fails 5 'the app is busy as long as anything of it runs' \
			"$DEPLOY" local:blog app
	ok 'the next deploy' "$DEPLOY" --wait=60 local:blog app
	fails 1 'finds nothing of it running' test -e "$TMP/there"
	is 'nobody writes to what is live' "$(cat "$DEPLOYD_ROOT/blog/current/page")" $n
	ok 'it is as deployed' "$DEPLOY" verify local:blog
	like 'file by file' "$OUT" 'as deployed'
	fails 1 'with nothing besides' test -e "$DEPLOYD_ROOT/blog/current/stray"
done
like 'one that was told to end says so' "$TMP/said" 'deployd was ended by a signal'
like 'and what is live' "$TMP/said" 'is live'

# It tells nobody who is behind the switch, and leaves that to the next.
rm -f "$TMP/began"
conf '[hooks]' "restart = $deployd >$TMP/pid; [ -e $TMP/again ] || { touch $TMP/again; $TMP/writer; }"
spawn "$TMP/said" "$DEPLOY" local:blog app
appears "$TMP/began"
kill -TERM "$(cat "$TMP/pid")"
wait "$PID"
ok 'SIGTERM in a restart ends that' ends "$(cat "$TMP/began")"
ok 'the next deploy' "$DEPLOY" --wait=20 local:blog app
like 'finishes it' "$own/history" " live $(live blog) .* recovery "

# A rollback holds another lock.
conf '[hooks]' "restart = $deployd >$TMP/pid; [ ! -e $TMP/hang ] || { rm $TMP/hang; exec $TMP/writer deaf; }"
ok 'a deploy' "$DEPLOY" local:blog app
back=$(live blog)
conf '[hooks]' 'restart = true'
ok 'another one' "$DEPLOY" local:blog app
rm -f "$TMP/began"
touch "$TMP/hang"
spawn "$TMP/said" "$DEPLOY" rollback local:blog
appears "$TMP/began"
kill -KILL "$(cat "$TMP/pid")"
wait "$PID"
ok 'deployd killed in a rollback: who needs the switch waits' \
	"$DEPLOY" pin local:blog "$back"
fails 1 'until the hook is gone' kill -0 "$(cat "$TMP/began")"

# Commands.
rm -f "$TMP/began"
spawn "$TMP/said" "$DEPLOY" run -t local:blog -- sh -c "$deployd >$TMP/pid; $TMP/writer"
appears "$TMP/began"
kill -KILL "$(cat "$TMP/pid")"
ok 'a command ends with deployd' ends "$(cat "$TMP/began")"
wait "$PID"

# Deadlines reach what has left the group; the end of a hook nothing.
rm -f "$TMP/began"
conf '[hooks]' "build = setsid $TMP/writer & $TMP/writer" 'build_timeout = 1'
fails 7 'a build that takes too long' "$DEPLOY" local:blog app
is 'is ended with all that it began' "$(while read -r pid; do
	kill -0 "$pid" 2>/dev/null && echo "$pid"
done <"$TMP/began")" ''
conf '[hooks]' "restart = setsid sleep 60.$$ & echo \$! >$TMP/left"
ok 'a restart' "$DEPLOY" local:blog app
ok 'that ends well leaves what it began' kill -0 "$(cat "$TMP/left")"
kill "$(cat "$TMP/left")"

# A hook that kills who keeps it.
conf '[hooks]' "build = echo \$\$ >$TMP/left; kill -9 \$PPID; sleep 60"
fails 7 'a build that kills its keeper' "$DEPLOY" local:blog app
like 'is killed' "$OUT" 'was killed by signal 9|Owner died'
ok 'with what it runs' ends "$(cat "$TMP/left")"
conf '[hooks]' 'build = true'
ok 'no harm is done' "$DEPLOY" local:blog app

# What a build leaves running writes to where it was, and what it made is gone.
head -c 300000 /dev/urandom >app/large
echo two >app/two
rm -f "$TMP/began"
conf '[app]' 'carry = kept' '[hooks]' \
	"build = mkdir made kept; head -c 4000000 /dev/zero >made/product; cp made/product kept; $TMP/writer & until [ -s $TMP/began ]; do sleep 0.05; done; false"
fails 7 'a build that fails, and runs on' "$DEPLOY" local:blog app
ok 'it does' kill -0 "$(cat "$TMP/began")"
settle
is 'of what it made nothing is kept' "$(find "$own" -name product)" ''
# What was written over is sent.
printf '[hooks]\nbuild = true\n' >app/deploy.conf
# Without a base nothing is offered unasked.
ok 'the next deploy' env XDG_CACHE_HOME="$TMP/none" "$DEPLOY" -v local:blog app
like 'sends hardly anything again' "$OUT" 'needs [01] files'
kill -0 "$(cat "$TMP/began")" || diag 'it has ended by itself'
sleep 0.3
is 'nobody writes to what is live' "$(cat "$DEPLOYD_ROOT/blog/current/page")" $n
fails 1 'nor beside it' test -e "$DEPLOYD_ROOT/blog/current/stray"
kill "$(cat "$TMP/began")"
done_testing
