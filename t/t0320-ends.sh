#!/bin/sh
# Long conversations over transports, and how they end: by a refusal, a break,
# a peer that is silent, a deadline, or because we want it.
# shellcheck disable=SC2016,SC2317 # functions are called by ok
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/sshd.sh"
. "$TOP/t/lib/transport.sh"
printf 'ClientAliveInterval 1\nClientAliveCountMax 1\n' >>"$SSH_DIR/sshd_config"
sshd_start || skip_all 'sshd does not start here'

echo 'echo refused; echo sorry >&2; exit 4' | fake refuse
echo 'exit 7' | fake mute
echo 'exec >/dev/null 2>&1; sleep 0.5; exit 7' | fake slow-mute
# It outlasts every limit below, but not this test.
echo 'i=0
while [ -e "$0" ] && [ $i -lt 60 ]; do
	sleep 1
	i=$((i + 1))
done' | fake linger
echo 'exec "${0%/*}/linger"' | fake dumb
echo 'head -c 3 >/dev/null; head -c 300000 /dev/zero; kill -9 $PPID' | fake cut
echo 'printf "first "; exec "${0%/*}/linger"' | fake hang
echo 'printf "first "; : >"$0.$$"; exec "${0%/*}/linger"' | fake held
echo 'printf x; sleep 0.5; ("${0%/*}/linger"; kill -9 $PPID) >/dev/null 2>&1 &
kill -STOP $PPID; exec "${0%/*}/linger"' | fake stop

# total TEXT OPTION...: a deadline of all.  Where a busy machine did not even
# come to the first word in that time, it gets a longer one.
total() {
	total_text=$1 total=1
	shift
	until [ $total -eq 32 ]; do
		total=$((total * 2))
		total_start=$(date +%s)
		connect -T $total "$@" >"$TMP/total.$total_text" 2>&1
		total_status=$?
		[ $total_status -eq 3 ] || break
	done
	[ $(($(date +%s) - total_start)) -le $((total + 8)) ] ||
		total_status=late
	sed "s/ $total seconds/ so many seconds/" "$TMP/total.$total_text"
	[ "$total_status" != late ] && return "$total_status"
}

# What takes time waits beside the rest.  Their input stays open.  A busy
# machine has time, but less than what holds where no option says otherwise
# takes: 10 s to connect, 26 to a first word, 30 to find a peer dead.
mkfifo "$TMP/silence"
exec 9<>"$TMP/silence"
with_silence() {
	"$@" <&9
}
for kind in libssh2 openssh; do
	later "a peer that is dead is found ($kind)" 28 6 \
		'has not answered|Timeout|broke' \
		with_silence connect -d "$TMP/stop" -a 1 -k "$kind" target
	later "a deployd that never says a word is status 3 ($kind)" 24 3 \
		'deployd there does not|does not answer' \
		with_silence connect -d "$TMP/dumb" -a 2 -c 1 -k "$kind" target
	later "the whole has a deadline ($kind)" 70 6 'after so many seconds' \
		with_silence total "$kind" -d "$TMP/hang" -k "$kind" target
	# stopped KIND IN: a relay that stops, which no kernel tells us.
	fake "relay-$kind" <<END
echo \$\$ >>$TMP/relays-$kind
exec $LINK $SSHD -i -f $SSH_DIR/sshd_config
END
	for in in "$TMP/silence" /dev/zero; do
		later "and so is a relay that stands still ($kind, $in)" 28 6 \
			'has not answered|Timeout|broke' \
			sh -c 'exec setsid -w timeout 60 "$@" <"$0"' "$in" \
			"$CAT" -F "$SSH_CONFIG" -d "$TMP/held" -a 6 -k "$kind" \
			-o "ProxyCommand=$TMP/relay-$kind" piped
	done
done
later 'the whole has a deadline (local)' 70 6 'after so many seconds' \
	with_silence total local -d "$TMP/hang" -k local
later 'no connection is no deadline either' 9 3 'after 1 seconds' \
	connect -T 1 -k libssh2 -o "ProxyCommand=$TMP/linger" target
# The server asks every second whether we live.
idle() {
	(
		sleep 8
		echo hello
	) | connect -k libssh2 -o ServerAliveInterval=1 \
		-o ServerAliveCountMax=1 target
}
later 'an idle connection stays, both ends asking' 28 0 '^hello' idle
asleep() {
	(
		sleep 9
		echo hello
	) | {
		exec 8<&0
		"$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" -a 6 -k libssh2 \
			-o "ProxyCommand=$SSHD -i -f $TMP/patient" piped <&8 &
		asleep_pid=$!
		sleep 0.7
		kill -STOP "$asleep_pid"
		sleep 7
		kill -CONT "$asleep_pid"
		wait "$asleep_pid"
	}
}
grep -v ClientAlive "$SSH_DIR/sshd_config" >"$TMP/patient"
later 'that we were stopped ourselves does not make the peer dead' 28 0 \
	'rc=0' asleep
# All four have come so far that there is something to stop.
held() {
	set -- "$TMP"/held.*
	[ $# -eq 4 ]
}
within 50 held
sleep 0.5
for kind in libssh2 openssh; do
	while read -r relay; do
		kill -STOP "$relay"
		reap "$relay"
	done <"$TMP/relays-$kind"
done

# All that is sent arrives.
head -c 20000000 /dev/urandom >"$TMP/big"
both_ways() {
	connect "$@" <"$TMP/big" >"$TMP/back" 2>"$TMP/report"
	cmp "$TMP/big" "$TMP/back" || {
		cat "$TMP/report"
		return 1
	}
}
ok '20 MB go both ways by libssh2' both_ways -k libssh2 target
ok 'and by ssh' both_ways -k openssh target
ok 'and locally' both_ways -k local
ok 'and through a proxy' both_ways -k libssh2 piped
{
	grep -v ClientAlive "$SSH_DIR/sshd_config"
	echo 'RekeyLimit 1M'
} >"$TMP/rekey"
ok 'while the server wants new keys all the time' both_ways -k libssh2 \
	-o "ProxyCommand=$SSHD -i -f $TMP/rekey" piped
one_way() {
	connect -k libssh2 -o "ProxyCommand=$SSHD -i -f $TMP/rekey" "$@" piped \
		2>"$TMP/report"
}
echo 'exec wc -c' | fake count
echo "exec cat $TMP/big $TMP/big" | fake pour
ok 'upward alone' eval \
	'[ "$(cat "$TMP/big" "$TMP/big" | one_way -d "$TMP/count")" -eq 40000000 ]'
ok 'downward alone' eval \
	'one_way -d "$TMP/pour" <&9 | cmp - "$TMP/big" 2>&1 | grep EOF.*20000000'

# Refusals.
refuses() {
	connect -d "$TMP/refuse" "$@" <"$TMP/big" >"$TMP/back" 2>"$TMP/report"
	[ "$(cat "$TMP/back")" = refused ] && grep -q 'exit=4 ' "$TMP/report" &&
		says 'errors=sorry'
}
ok 'a refusal is read while we send, by libssh2' refuses -k libssh2 target
ok 'by ssh' refuses -k openssh target
ok 'locally' refuses -k local
for kind in libssh2 openssh local; do
	ok "no deployd is status 3, with what to do ($kind)" \
		expect 3 'no deployd on|No such file' \
		connect -k "$kind" -d /no/such/deployd target
	ok "one that says nothing is status 3 ($kind)" \
		expect 3 'before it said a word, with status 7' \
		connect -k "$kind" -d "$TMP/mute" target
	ok "even if it takes its time ($kind)" \
		expect 3 'before it said a word, with status 7' \
		connect -k "$kind" -d "$TMP/slow-mute" target
done
ok 'an unknown address is status 3' expect 3 'address' \
	connect -k libssh2 -o HostName=no-such-host.invalid target
ok 'a closed port is status 3' expect 3 'refused' connect -p 1 target
for kind in libssh2 openssh; do
	ok "a connection that breaks is status 6 ($kind)" \
		expect 6 'ended|broke' sh -c 'yes | "$@"' sh setsid -w \
		"$CAT" -F "$SSH_CONFIG" -d "$TMP/cut" -k "$kind" target
done

# We want it.
gives_up() {
	gives_start=$(date +%s)
	connect -d "$TMP/hang" -x 200 "$@" <&9 >"$TMP/back" 2>&1
	[ $? -eq 6 ] && [ "$(cat "$TMP/back")" != '' ] &&
		[ $(($(date +%s) - gives_start)) -lt 28 ]
}
for kind in libssh2 openssh local; do
	ok "an abort does not wait ($kind)" gives_up -k "$kind" target
done
# What deployd does after its answer, and what it does with an end.
fake tidy <<'END'
echo answer
cat >/dev/null
exec </dev/null >/dev/null
while [ ! -e "$TMP/ended" ] && [ -e "$0" ]; do
	sleep 0.1
done
echo tidy >"$TMP/tidied"
END
echo 'echo x; cat >/dev/null; sleep 0.5; echo "$1" >"$TMP/outlived"' |
	fake outlive
later 'a local deployd may tidy up when all was said' 28 0 '^answer' \
	connect -k local -d "$TMP/tidy"
interrupted() {
	setsid timeout 20 "$CAT" -k local -d "$TMP/outlive" <&9 &
	interrupted_pid=$!
	sleep 0.5
	# As the keyboard does, but sh has its background ignore INT.
	kill -TERM "-$interrupted_pid"
	wait "$interrupted_pid"
	sleep 1
	[ -s "$TMP/outlived" ]
}
ok 'an interrupt at the keyboard does not reach it' interrupted

finish
: >"$TMP/ended"
kill -STOP "$SSHD_PID"
for kind in libssh2 openssh; do
	later "a server that does not answer is status 3 ($kind)" 9 3 \
		'does not answer|imed out|broken' \
		connect -c 2 -k "$kind" target
done
finish
kill -CONT "$SSHD_PID"
within 50 test -s "$TMP/tidied"
ok 'and it did, to the end' [ -s "$TMP/tidied" ]

done_testing
