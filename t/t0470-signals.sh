#!/bin/sh
# SIGINT, SIGTERM and SIGHUP, before the switch and after it; a pipe's end.
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
	within 10 grep -q "$pattern" "$TMP/out"
}

# appears FILE
appears() {
	within 10 test -e "$1"
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

# The terminal's window is closed: the kernel says so with SIGHUP, and so does
# the shell within it.
rm "$TMP/restarted"
printf '[hooks]\nbuild = echo begun; sleep 20.%s; touch %s/restarted\n' $$ "$TMP" >deploy.conf
now=$(live blog)
drafts() {
	find "$HOME" -name '*.tmp' | sort
}
killed=$(drafts)
fails 129 'a terminal that is closed in the build' \
	"$BUILD/t/lib/pty-answer" begun -- "$DEPLOY" local:blog
is 'what was live is' "$(live blog)" "$now"
is 'nothing runs on' "$(pgrep -f "sleep 20.$$")" ''
is 'nor is a file left in the cache' "$(drafts)" "$killed"
started begun "$DEPLOY" local:blog
kill -HUP "$PID"
kill -HUP "$PID"
wait "$PID"
is 'a second SIGHUP is no other than the first: status 129' $? 129
like 'what is live is said' "$TMP/out" "$now is live"
# All that is in the foreground gets it, but ssh has to live on.
printf '#!/bin/sh\ncat | setsid "%s" --serve | cat\n' "$DEPLOYD" >"$TMP/ssh"
chmod 755 "$TMP/ssh"
started begun env DEPLOY_SSH="$TMP/ssh" setsid "$DEPLOY" \
	--transport=openssh web1:blog
kill -HUP "-$PID"
wait "$PID"
is 'so it is where ssh brings it there' $? 129
like 'and the server has answered' "$TMP/out" "$now is live"

cat >deploy.conf <<END
[hooks]
restart = echo begun; sleep 2; touch $TMP/restarted
END
echo closed >again
fails 129 'one that is closed after the switch' \
	"$BUILD/t/lib/pty-answer" begun -- "$DEPLOY" local:blog
ok 'stops nothing' appears "$TMP/restarted"
unlike 'the new release is live' "$(live blog)" "$now"
rm "$TMP/restarted"
echo nohup >again
started begun sh -c 'trap "" HUP; exec "$@"' sh "$DEPLOY" local:blog
kill -HUP "$PID"
wait "$PID"
is 'under nohup it goes on' $? 0

# Who reads what is printed has seen enough.
echo pipe >again
events=$({
	"$DEPLOY" --json local:blog
	echo $? >"$TMP/status"
} | head -n 1)
like 'an event is read' "$events" '"event"'
is 'and the deploy is not stopped by that' "$(cat "$TMP/status")" 0
is 'it is live' "$(cat "$DEPLOYD_ROOT/blog/current/again")" pipe

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
