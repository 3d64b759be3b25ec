#!/bin/sh
# [service]: the unit is restarted and has to stay active; checks that need no
# command; restart, logs and run.
# shellcheck disable=SC2016 # for a shell further on
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

bin=$HOME/.local/bin
state=$TMP/state
mkdir -p "$bin" "$state"
cat >"$bin/systemctl" <<END
#!/bin/sh
case \$* in
*' show '*) [ ! -f '$state/show-fails' ] || exit 1
	cat '$state/show'
	[ ! -f '$state/then' ] || mv '$state/then' '$state/show' ;;
*)	printf '%s\n' "\$*" >>'$state/calls'
	has=\$(for fd in /proc/self/fd/*; do
		[ ! -e "\$fd" ] || echo "\${fd##*/}"
	done)
	echo \$has >'$state/has'
	env | sed 's/=.*//' >'$state/knows'
	[ ! -f '$state/fails' ] || { cat '$state/fails' >&2; exit 1; } ;;
esac
END
cat >"$bin/journalctl" <<END
#!/bin/sh
printf '%s\n' "\$*" >>'$state/calls'
[ ! -f '$state/no-journal' ] || { echo 'No journal files were found.' >&2; exit 1; }
printf 'a line of the journal\n\033]0;title\007\n'
case \$* in *' -f') echo \$\$ >'$state/follower'; while :; do echo more; sleep 0.2; done ;; esac
END
chmod 755 "$bin/systemctl" "$bin/journalctl"
# new_app NAME: its env file leads hooks to the programs above.
new_app() {
	mkdir -p "$DEPLOYD_ROOT/$1"
	printf 'PATH=%s\nXDG_RUNTIME_DIR=%s\nSECRET="a b"\n' \
		"$bin:/usr/bin:/bin" "$XDG_RUNTIME_DIR" \
		>"$DEPLOYD_ROOT/$1/env"
}
# unit ACTIVE PID RESTARTS
unit() {
	printf 'ActiveState=%s\nMainPID=%s\nNRestarts=%s\nResult=exit-code\n' \
		"$1" "$2" "$3"
}
calls() {
	cat "$state/calls" 2>/dev/null
	: >"$state/calls"
}

for app in blog other first web; do new_app $app; done
mkdir app
cd app || exit 1
echo one >page
cat >deploy.conf <<'END'
[hooks]
restart = echo a restart hook
[service]
unit = blog
END
unit active 100 0 >"$state/show"
SSH_AUTH_SOCK=/nowhere SSH_CONNECTION='::1 1 ::1 2'
export SSH_AUTH_SOCK SSH_CONNECTION
began=$(date +%s)
ok 'a deploy of a service' "$DEPLOY" local:blog 7<page
took=$(($(date +%s) - began))
unset SSH_AUTH_SOCK SSH_CONNECTION
good=$(live blog)
is 'its unit was restarted' "$(calls)" '--user restart -- blog.service'
is 'by a program that has three streams open' \
	"$(cat "$state/has")" '0 1 2'
like 'knows its app' "$state/knows" '^DEPLOY_APP$'
unlike 'and nothing of the connection' "$state/knows" '^SSH_'
like 'after the hooks of that name' "$OUT" '^a restart hook$'
like 'which is shown' "$OUT" '^\+ systemctl --user restart blog.service$'
ok 'and had to stay active for 5 s' test "$took" -ge 5
echo two >page
unit active 101 0 >"$state/show"
unit active 102 1 >"$state/then"
fails 8 'a unit that restarts by itself fails its check' "$DEPLOY" local:blog
like 'which is said' "$OUT" 'blog.service ended and was restarted by systemd'
like 'with the last lines of its journal' "$OUT" '^a line of the journal$'
unlike 'in which nothing reaches the terminal' "$OUT" "$(printf '\033')"
is 'the release before is live again' "$(live blog)" "$good"
is 'and restarted' "$(calls)" '--user restart -- blog.service
--user -u blog.service -n 20 --no-pager -o cat
--user restart -- blog.service'
# It stays down: switching back does not help either.
unit failed 0 0 >"$state/show"
fails 9 'a unit that does not start' "$DEPLOY" --force local:blog
like 'is said to have failed' "$OUT" 'blog.service has failed: exit-code'
unit active 103 0 >"$state/show"
ok 'once it does, restart proves it' "$DEPLOY" restart local:blog
calls >/dev/null
echo 'Failed to connect to bus: No medium found' >"$state/fails"
fails 8 'a first release without a user manager' "$DEPLOY" local:first
like 'is told why' "$OUT" 'systemctl exited with 1 over blog.service: Failed to connect to bus'
like 'and what to do' "$OUT" 'loginctl enable-linger'
rm "$state/fails"
mkdir "$TMP/bare"
ln -s /bin/sh "$TMP/bare/sh"
printf 'PATH=%s\n' "$TMP/bare" >"$DEPLOYD_ROOT/other/env"
fails 8 'a server without systemd' "$DEPLOY" local:other
like 'is told so' "$OUT" 'cannot run systemctl'
like 'with what does without' "$OUT" 'without it use restart in \[hooks\]'

# Reload, and names.
cat >deploy.conf <<'END'
[service]
unit = blog@1.socket
reload = yes
END
calls >/dev/null
ok 'a unit that is reloaded' "$DEPLOY" --force local:blog
is 'by systemd, its suffix kept' "$(calls)" \
	'--user reload-or-restart -- blog@1.socket'
ok 'a rollback' "$DEPLOY" rollback local:blog
is 'restarts the unit of the release it goes to' "$(calls)" \
	'--user restart -- blog.service'
for name in '' -x 'a b' 'a;id' '../x' "$(printf 'a\302\240b')" a/b '$HOME' x.; do
	printf '[service]\nunit = %s\n' "$name" >deploy.conf
	fails 1 "'$name' is no unit" "$DEPLOY" local:blog
done
like 'which names the line' "$OUT" '^deploy: deploy.conf:2: '
printf '[service]\nreload = maybe\n' >deploy.conf
fails 1 'reload is yes or no' "$DEPLOY" local:blog

# Checks without a command.
cd .. && mkdir web && cd web || exit 1
echo web >page
printf 'HTTP/1.1 200 OK\r\n' >"$state/answer"
spawn "$state/requests" "$BUILD/t/lib/http-answer" "$state/answer"
until [ -s "$state/requests" ]; do sleep 0.1; done
port=$(head -n 1 "$state/requests")
conf() {
	{
		printf '[hooks]\ncheck_timeout = 1\n'
		for check; do echo "check = $check"; done
	} >deploy.conf
}
if "$DEPLOYD" --version | grep -q 'http checks: libcurl'; then
	conf "tcp:$port" "http://127.0.0.1:$port/health?x=1" \
		"tcp:localhost:$port" 'echo a command too'
	printf 'http_proxy=http://127.0.0.1:9\nall_proxy=http://127.0.0.1:9\n' \
		>>"$DEPLOYD_ROOT/web/env"
	ok 'checks of all kinds' "$DEPLOY" local:web
	like 'in order' "$OUT" '^a command too$'
	like 'the page was asked for' "$state/requests" '^GET /health\?x=1 HTTP'
	like 'what was got is shown' "$OUT" ": status 200\$"
	printf 'HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n' \
		>"$state/answer"
	echo more >page
	ok 'a redirection is an answer' "$DEPLOY" local:web
	web=$(live web)
	printf 'HTTP/1.1 502 Bad Gateway\r\n' >"$state/answer"
	echo less >page
	conf "http://127.0.0.1:$port/"
	fails 9 'a page that is broken, for the old release too' \
		"$DEPLOY" local:web
	like 'says what was got' "$OUT" \
		"check failed: http://127.0.0.1:$port/: status 502"
	conf "http://127.0.0.1:1/"
	printf 'HTTP/1.1 200 OK\r\n' >"$state/answer"
	fails 8 'one where nobody listens' "$DEPLOY" --force local:web
	like 'is refused' "$OUT" 'http://127.0.0.1:1/: Connection refused'
	is 'and switched back' "$(live web)" "$web"
	: >"$state/answer"
	conf "http://127.0.0.1:$port/silent"
	fails 8 'one that never answers' "$DEPLOY" local:first
	like 'is not waited for' "$OUT" ': no answer'
else
	conf "http://127.0.0.1:$port/"
	fails 4 'without libcurl an http check is refused' "$DEPLOY" local:web
	like 'which is said' "$OUT" 'without libcurl'
	like 'with what to do' "$OUT" 'tcp:PORT'
fi
conf tcp:1
fails 8 'a port where nobody listens' "$DEPLOY" local:first
like 'says so' "$OUT" 'check failed: tcp:1: Connection refused'
for check in tcp: tcp:0 tcp:65536 tcp:x tcp::1 'tcp:a b:1' tcp:1:2:3 \
	http:// 'http://a b/' http:///x; do
	conf "$check"
	fails 1 "check = $check is malformed" "$DEPLOY" local:web
done
like 'which is told by its line' "$OUT" 'deploy.conf:3: check: '

# restart
cd ../app || exit 1
rm deploy.conf
calls >/dev/null
ok 'restart' "$DEPLOY" restart local:blog
is 'restarts what is live' "$(calls)" '--user restart -- blog.service'
is 'and switches nothing' "$(live blog)" "$good"
like 'it is in the history' "$(tail -n 1 "$DEPLOYD_ROOT/blog/.deployd/history")" \
	" restarted $good "
echo boom >"$state/fails"
fails 9 'a restart that fails needs somebody' "$DEPLOY" restart local:blog
like 'it says why' "$OUT" 'restart failed: systemctl exited with 1 over blog.service: boom'
like 'and what is live' "$OUT" "nothing was switched: $good is still live"
like 'and what to do' "$OUT" 'deploy rollback'
like 'that is in the history' "$(tail -n 1 "$DEPLOYD_ROOT/blog/.deployd/history")" \
	" unwell $good "
rm "$state/fails"
ok 'its events' "$DEPLOY" restart --json local:blog
like 'tell the outcome' "$OUT" '"event": ?"target-result".*"outcome": ?"restarted"'
fails 4 'restart of what is not live' "$DEPLOY" restart --expect=nothing local:blog
fails 4 'restart where nothing is' "$DEPLOY" restart local:first
like 'says so' "$OUT" 'nothing of first is live'
mkdir ../plain
: >../plain/file
ok 'an app without hooks' "$DEPLOY" local:plain ../plain
fails 4 'cannot be restarted' "$DEPLOY" restart local:plain
like 'for what reason' "$OUT" 'nothing is known that restarts plain'

# logs
calls >/dev/null
ok 'logs' "$DEPLOY" logs local:blog
is 'asks for the unit of what is live' "$(calls)" \
	'--user -u blog.service -n 100 -o short-iso --no-pager'
like 'and prints it' "$OUT" '^a line of the journal$'
like 'escaped' "$OUT" '^\\x1b\]0;title\\x07$'
ok 'with a number of lines' "$DEPLOY" logs -n 7 local:blog
like 'as many' "$(calls)" ' -n 7 '
ok 'as events' "$DEPLOY" logs --json local:blog
like 'one a line' "$OUT" '"event": ?"output".*"text": ?"a line of the journal"'
spawn "$TMP/followed" "$DEPLOY" logs -f local:blog
n=0
until grep -q '^more' "$TMP/followed" || [ $((n += 1)) -gt 100 ]; do
	sleep 0.1
done
like 'it can be followed' "$TMP/followed" '^more$'
kill "$PID"
wait "$PID"
is 'until a signal' $? 143
n=0
while kill -0 "$(cat "$state/follower")" 2>/dev/null &&
	[ $((n += 1)) -lt 100 ]; do
	sleep 0.1
done
fails 1 'which ends journalctl too' kill -0 "$(cat "$state/follower")"
unlike 'without a word' "$TMP/followed" interrupted
touch "$state/no-journal"
fails 4 'a journal that cannot be read' "$DEPLOY" logs local:blog
like 'says what journalctl did' "$OUT" 'journalctl exited with 1 over blog.service'
fails 4 'without [service] no unit is known' "$DEPLOY" logs local:plain
like 'which is said, and what there is instead' "$OUT" 'deploy log$'
fails 2 'only one target can be followed' \
	"$DEPLOY" logs -f -t local:blog -t local:plain

# run
ok 'run' "$DEPLOY" run local:blog -- sh -c 'echo $DEPLOY_RELEASE $SECRET; pwd'
is 'in the live release, with its environment' "$(cat "$OUT")" "$good a b
$DEPLOYD_ROOT/blog/releases/$good"
fails 42 'the status is the command'\''s' "$DEPLOY" run local:blog -- sh -c 'exit 42'
fails 137 'also of a signal' "$DEPLOY" run local:blog -- sh -c 'kill -KILL $$'
fails 127 'a command that is not there' "$DEPLOY" run local:blog -- no-such -x
like 'is named' "$OUT" 'cannot run no-such: No such file'
ok 'words are not a shell line' "$DEPLOY" run local:blog -- \
	printf '<%s>\n' '$(id)' 'a  b' "it's" '' '*' -n --
is 'they arrive as they are' "$(cat "$OUT")" "<\$(id)>
<a  b>
<it's>
<>
<*>
<-n>
<-->"
"$DEPLOY" run local:blog -- sh -c 'echo out; echo err >&2' >o 2>e
is 'output is standard output' "$(cat o)" out
like 'and errors are standard error' ./e '^err$'
head -c 3000000 /dev/urandom >"$TMP/bytes"
"$DEPLOY" run local:blog -- cat <"$TMP/bytes" >"$TMP/back"
is 'input goes through, however much' "$(cksum <"$TMP/back")" \
	"$(cksum <"$TMP/bytes")"
"$DEPLOY" run local:blog -- true <"$TMP/bytes"
is 'a command need not read it' $? 0
printf 'x' | "$DEPLOY" run --json local:blog -- cat >o
like 'as events' ./o '"event": ?"output".*"text": ?"x"'
fails 3 'with --json the status too' "$DEPLOY" run --json local:blog -- sh -c 'exit 3'
like 'is in the events' "$OUT" '"code": ?3'
"$DEPLOY" run local:blog -- sh -c \
	'trap "echo stopped >>'"$state"'/stopped; exit 1" TERM; touch '"$state"'/up
	while :; do sleep 0.1; done' <"$TMP/bytes" >"$TMP/o" 2>&1 &
pid=$!
reap $pid
n=0
until [ -f "$state/up" ] || [ $((n += 1)) -gt 100 ]; do sleep 0.1; done
kill "$pid"
wait $pid
is 'a signal aborts it' "$(cat "$state/stopped")" stopped
fails 2 'run without a command' "$DEPLOY" run local:blog
fails 2 'run without --' "$DEPLOY" run local:blog ls
fails 2 'run with two targets in front' "$DEPLOY" run local:blog local:web -- ls
fails 4 'run where nothing is live' "$DEPLOY" run local:first -- ls
like 'the history has the words' "$DEPLOYD_ROOT/blog/.deployd/history" \
	" run $good - .* sh.x20-c.x20exit.x2042"
unlike 'and no environment' "$DEPLOYD_ROOT/blog/.deployd/history" 'a.x20b$'

# What a key may do.
limited() {
	groups=$1
	shift
	printf '#!/bin/sh\nexec "%s" --serve --allow %s\n' "$DEPLOYD" "$groups" \
		>"$TMP/limited"
	chmod 755 "$TMP/limited"
	"$DEPLOY" --deployd="$TMP/limited" "$@"
}
rm -f "$state/no-journal"
fails 4 'a key for reading may not restart' limited read,deploy restart local:blog
like 'which is said' "$OUT" 'not authorised to do that to blog: it takes `rollback.'
fails 4 'nor run' limited read,deploy,rollback run local:blog -- true
like 'which is said' "$OUT" 'not authorised to do that to blog: it takes `run.'
ok 'but it may read logs' limited read logs local:blog
ok 'one for rollback may restart' limited rollback restart local:blog
ok 'one for run may run' limited run run local:blog -- true

# The admin's own.
cat >"$DEPLOYD_CONF" <<'END'
[app "blog"]
hooks = server
unit = chosen
END
calls >/dev/null
# Its own systemctl, which knows of no such unit, or none at all.
fails 9 'with hooks = server' "$DEPLOY" restart local:blog
like 'the unit is the admin'\''s' "$OUT" 'systemctl --user restart chosen.service'
is 'the env file does not say what is run' "$(calls)" ''
fails 4 'and a client runs nothing' "$DEPLOY" run local:blog -- true
like 'which is said' "$OUT" "hooks = server for blog"

done_testing
