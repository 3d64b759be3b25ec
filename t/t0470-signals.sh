#!/bin/sh
# SIGINT and SIGTERM, before the switch and after it.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1
ok 'a release to begin with' "$DEPLOY" local:blog
first=$(live blog)

# started PATTERN COMMAND...: runs it behind, waits until it prints that.
started() {
	pattern=$1
	shift
	# What the one before printed must not be taken for its own.
	: >"$TMP/out"
	spawn "$TMP/out" "$@"
	tries=0
	until grep -q "$pattern" "$TMP/out"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || break
		sleep 0.05
	done
}

# appears FILE: within 10 s.
appears() {
	tries=0
	until [ -e "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.05
	done
}

printf '[hooks]\nbuild = echo begun; sleep 20.%s\n' $$ >deploy.conf
started begun "$DEPLOY" local:blog
kill -TERM "$PID"
wait "$PID"
is 'SIGTERM in the build is status 143' $? 143
like 'what is live is said' "$TMP/out" "$first is live"
is 'and is' "$(live blog)" "$first"

# A link so slow that it is interrupted in the transfer.
head -c 2000000 /dev/urandom >blob
rm deploy.conf
printf '#!/bin/sh\nexec %s -r 4000 %s "$@"\n' "$BUILD/t/lib/slowlink" \
	"$DEPLOYD" >"$TMP/slow"
chmod 755 "$TMP/slow"
started '"progress"' "$DEPLOY" --json --deployd="$TMP/slow" local:blog
kill -INT "$PID"
wait "$PID"
is 'SIGINT in the transfer is status 130' $? 130
is 'what was live is' "$(live blog)" "$first"

cat >deploy.conf <<END
[hooks]
restart = echo begun; sleep 2; touch $TMP/restarted
END
started begun "$DEPLOY" local:blog
kill -INT "$PID"
wait "$PID"
is 'SIGINT after the switch is status 130' $? 130
like 'and says that the server goes on' "$TMP/out" 'goes on by itself'
like 'and how to look' "$TMP/out" 'deploy status'
ok 'which it does' appears "$TMP/restarted"
unlike 'the new release is live' "$(live blog)" "$first"

# The client is killed, or loses its terminal.
echo again >again
rm "$TMP/restarted"
started begun "$DEPLOY" local:blog
kill -KILL "$PID"
ok 'a client killed after the switch stops nothing' appears "$TMP/restarted"
ok 'then nothing is left to do' "$DEPLOY" --wait=20 local:blog
like 'since the check is done' "$OUT" 'unchanged blog'

rm deploy.conf
printf '[hooks]\nrestart = echo begun; sleep 2\n' >deploy.conf
ok 'one more release' "$DEPLOY" local:blog
started begun "$DEPLOY" rollback local:blog
kill -TERM "$PID"
wait "$PID"
is 'SIGTERM in a rollback that has switched is status 143' $? 143
like 'and says the same' "$TMP/out" 'goes on by itself'

# A second signal ends it at once: here the server does not answer.
printf '#!/bin/sh\nexec sleep 20.%s\n' $$ >"$TMP/mute"
chmod 755 "$TMP/mute"
started deploying "$DEPLOY" --deployd="$TMP/mute" local:blog
kill -INT "$PID"
sleep 0.3
kill -INT "$PID"
wait "$PID"
is 'a second SIGINT ends it at once' $? 130

done_testing
