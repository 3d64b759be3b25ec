# shellcheck shell=sh disable=SC2016
# What the tests of transports share, which go through transport-cat.  After
# lib/tap.sh and lib/sshd.sh:
#
#	fake NAME <<END            a program in deployd's place: $TMP/NAME
#	connect [OPTION...] HOST   transport-cat, without a terminal as in cron
#	echoes ...                 a word goes there and comes back; what was
#	                           said on the way is in $TMP/report
#	says PATTERN               $TMP/report has it
#	expect STATUS PATTERN COMMAND...   it fails so, and says so
#	answering QUESTION ANSWER HOST     the same on a terminal
#	allow NAME...              the server takes these of id_NAME alone
#	later NAME MOST STATUS PATTERN COMMAND...
#	                           expect, beside others, in MOST seconds at
#	                           most; the assertion is made by finish

CAT=$BUILD/t/lib/transport-cat
PTY=$BUILD/t/lib/pty-answer
# shellcheck disable=SC2034
LINK=$BUILD/t/lib/slowlink
[ -x "$CAT" ] || skip_all 'transport-cat was not built'
sshd_available || skip_all "OpenSSH's sshd is not installed"
unset SSH_AUTH_SOCK
sshd_setup || skip_all 'ssh-keygen failed'
export TMP

fake() {
	{
		echo '#!/bin/sh'
		cat
	} >"$TMP/$1"
	chmod +x "$TMP/$1"
}

echo 'exec cat' | fake cat
echo hello >"$TMP/hello"

connect() {
	setsid -w timeout 60 "$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" "$@"
}

echoes() {
	[ "$(connect "$@" <"$TMP/hello" 2>"$TMP/report")" = hello ] || {
		cat "$TMP/report"
		return 1
	}
}

says() {
	grep -q -e "$1" "$TMP/report" || {
		cat "$TMP/report"
		return 1
	}
}

expect() {
	expect_status=$1 expect_pattern=$2
	shift 2
	"$@" </dev/null >"$TMP/report" 2>&1
	expect_got=$?
	[ "$expect_got" -eq "$expect_status" ] &&
		grep -qE -e "$expect_pattern" "$TMP/report" && return 0
	echo "status $expect_got, want $expect_status and: $expect_pattern"
	cat "$TMP/report"
	return 1
}

answering() {
	forgetful "$PTY" "$1" "$2" -- sh -c 'file=$1; shift; "$@" <"$file"' sh \
		"$TMP/hello" "$CAT" -F "$SSH_CONFIG" -d "$TMP/cat" "$3" \
		>"$TMP/report" 2>&1
}

allow() {
	: >"$SSH_DIR/authorized_keys"
	for allow_name; do
		cat "$SSH_DIR/$allow_name.pub" >>"$SSH_DIR/authorized_keys"
	done
}

later_n=0
later() {
	later_n=$((later_n + 1))
	printf '%s\n' "$@" | head -n 4 >"$TMP/later.$later_n"
	shift 4
	(
		later_start=$(date +%s)
		"$@" >"$TMP/later.$later_n.said" 2>&1 </dev/null
		echo "$? $(($(date +%s) - later_start))"
	) >"$TMP/later.$later_n.end" 2>&1 &
	reap $!
}

later_ended() {
	while [ ! -s "$TMP/later.$1.end" ]; do
		sleep 0.1
	done
	read -r later_status later_took <"$TMP/later.$1.end"
	echo "status $later_status in $later_took s, want $3 in $2; $4"
	cat "$TMP/later.$1.said"
	echo
	[ "$later_status" -eq "$3" ] && [ "$later_took" -le "$2" ] &&
		grep -qE -e "$4" "$TMP/later.$1.said"
}

finish() {
	later_i=0
	while [ "$later_i" -lt "$later_n" ]; do
		later_i=$((later_i + 1))
		{
			read -r later_name
			read -r later_most
			read -r later_want
			read -r later_pattern
		} <"$TMP/later.$later_i"
		ok "$later_name" later_ended "$later_i" "$later_most" \
			"$later_want" "$later_pattern"
	done
	later_n=0
	rm -f "$TMP"/later.*
}
