# shellcheck shell=sh
# The library of the shell tests, in POSIX sh.  A test reads
#
#	#!/bin/sh
#	. "$(dirname "$0")/lib/tap.sh"
#
#	ok 'a first deploy ends well' "$DEPLOY" local:blog app
#	like 'it says what was sent' "$OUT" 'sent [0-9]'
#	fails 2 'a bad option is a usage error' "$DEPLOY" --no-such
#	done_testing
#
# and is run by `make check`, or alone.  It gives the test
#
#	TOP BUILD DEPLOY DEPLOYD   the sources, the objects, the programs
#	TMP                        a private directory, gone at the end, and
#	                           the working directory at the start
#	OUT                        a file: what the last ok or fails printed
#
# and an environment in which nothing of the person who runs it shows: HOME,
# XDG_* and git's configuration lie in TMP, the programs come first in PATH.
#
#	ok NAME COMMAND...         it exits with 0
#	fails STATUS NAME COMMAND  it exits with exactly STATUS
#	is NAME GOT WANT           two strings are equal
#	like NAME WHERE PATTERN    a line of WHERE, which is a file or a text,
#	unlike NAME WHERE PATTERN  does or does not match the pattern (ERE)
#	skip NAME REASON           one assertion that cannot be made here
#	skip_all REASON            the whole test cannot be made here
#	diag TEXT                  shown beside the results
#	spawn FILE COMMAND...      runs it behind, printing to FILE; its process
#	                           id goes to PID and is killed at the end
#	reap PID                   have this process killed at the end
#	own_mounts                 at the top: what the test mounts is seen by
#	                           nobody else; skips it all but for root
#	within SECONDS COMMAND...  waits until that succeeds: whether it did
#	ignore_leaks               leaks are not looked for: who is traced
#	                           cannot
#	instrumented               whether the programs have a sanitizer, count
#	                           lines or the like: no intake is filtered
#	done_testing               the plan; a test that ends without it failed
#
# A command is a program or a function.  It runs in a subshell, so it cannot
# change the test's variables or directory; what it prints goes to $OUT and is
# shown when the assertion fails.  Assertions are not made in subshells or
# pipelines, where the count would be lost.

set -u
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
BUILD=${DEPLOY_BUILD:-$TOP/build}
case $BUILD in
/*) ;;
*) BUILD=$TOP/$BUILD ;;
esac
# shellcheck disable=SC2034 # for the tests
DEPLOY=$BUILD/deploy
# shellcheck disable=SC2034
DEPLOYD=$BUILD/deployd

for tap_name in $(env | sed -n 's/^\([A-Z_][A-Z0-9_]*\)=.*/\1/p'); do
	case $tap_name in
	# Tests that run themselves once more are about the same programs.
	DEPLOY_BUILD) ;;
	DEPLOY* | GIT_* | SSH_* | XDG_* | CDPATH | GREP_* | MAKE*)
		unset "$tap_name"
		;;
	esac
done
unset tap_name

TMP=$(mktemp -d "${TMPDIR:-/tmp}/t-deploy.XXXXXX") || exit 1
TMP=$(cd "$TMP" && pwd -P) || exit 1
OUT=$TMP/.tap/out
HOME=$TMP/home
XDG_CACHE_HOME=$HOME/.cache
XDG_CONFIG_HOME=$HOME/.config
XDG_DATA_HOME=$HOME/.local/share
XDG_STATE_HOME=$HOME/.local/state
XDG_RUNTIME_DIR=$TMP/.run
GIT_CONFIG_GLOBAL=$HOME/.gitconfig
GIT_CONFIG_NOSYSTEM=1
GIT_CEILING_DIRECTORIES=$TMP
LC_ALL=C.UTF-8
TZ=UTC
TERM=dumb
TMPDIR=$TMP/.tmp
PATH=$BUILD:$PATH
export HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME \
	XDG_RUNTIME_DIR GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM \
	GIT_CEILING_DIRECTORIES LC_ALL TZ TERM TMPDIR PATH
mkdir "$TMP/.tap" "$HOME" "$TMPDIR" && mkdir -m 700 "$XDG_RUNTIME_DIR" ||
	exit 1
: >"$TMP/.tap/pids"
: >"$OUT"
cat >"$GIT_CONFIG_GLOBAL" <<'END'
[user]
	name = A Tester
	email = tester@example.org
[init]
	defaultBranch = main
[commit]
	gpgSign = false
END

tap_count=0
tap_failed=0
tap_done=

reap() {
	echo "$1" >>"$TMP/.tap/pids"
}

spawn() {
	tap_file=$1
	shift
	"$@" >"$tap_file" 2>&1 </dev/null &
	PID=$!
	reap "$PID"
}

tap_kill() {
	while read -r tap_pid; do
		kill "$tap_pid" 2>/dev/null || continue
		tap_tries=0
		while kill -0 "$tap_pid" 2>/dev/null; do
			tap_tries=$((tap_tries + 1))
			[ "$tap_tries" -lt 20 ] || kill -9 "$tap_pid"
			[ "$tap_tries" -lt 25 ] || break
			sleep 0.1
		done
	done <"$TMP/.tap/pids"
}

tap_exit() {
	tap_status=$?
	trap - EXIT INT TERM HUP
	cd /
	tap_kill
	rm -rf "$TMP" 2>/dev/null || {
		chmod -R u+rwX "$TMP"
		rm -rf "$TMP"
	}
	if [ -z "$tap_done" ]; then
		echo "# ended early, with status $tap_status"
		exit 1
	fi
	[ "$tap_failed" -eq 0 ] || exit 1
	exit "$tap_status"
}

trap tap_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# A file's end as diagnostics.
tap_show() {
	tail -n 60 "$1" | LC_ALL=C tr -cd '\11\12\40-\176\200-\377' |
		sed 's/^/#   /'
}

tap_passed() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

tap_not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
}

# Fills OUT and tap_status.  Not run as a condition, so that a function under
# test may rely on set -e.
tap_run() {
	("$@") >"$OUT" 2>&1 </dev/null
	tap_status=$?
}

fails() {
	tap_want=$1
	tap_title=$2
	shift 2
	tap_run "$@"
	if [ "$tap_status" -eq "$tap_want" ]; then
		tap_passed "$tap_title"
		return 0
	fi
	tap_not_ok "$tap_title"
	diag "ran: $*"
	diag "exit status $tap_status, expected $tap_want; it printed:"
	tap_show "$OUT"
	return 1
}

ok() {
	fails 0 "$@"
}

is() {
	if [ "$2" = "$3" ]; then
		tap_passed "$1"
		return 0
	fi
	tap_not_ok "$1"
	diag "got:  $2"
	diag "want: $3"
	return 1
}

tap_text() {
	case $1 in
	*/*) [ ! -f "$1" ] || {
		cat "$1"
		return
	} ;;
	esac
	printf '%s\n' "$1"
}

# tap_match NAME WHERE PATTERN STATUS: grep's status is to be STATUS.
tap_match() {
	tap_text "$2" >"$TMP/.tap/text"
	grep -Eaq -e "$3" "$TMP/.tap/text"
	if [ $? -eq "$4" ]; then
		tap_passed "$1"
		return 0
	fi
	tap_not_ok "$1"
	diag "pattern: $3"
	diag "in:"
	tap_show "$TMP/.tap/text"
	return 1
}

like() {
	tap_match "$1" "$2" "$3" 0
}

unlike() {
	tap_match "$1" "$2" "$3" 1
}

skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

within() {
	tap_left=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tap_left -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

ignore_leaks() {
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	export ASAN_OPTIONS
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	tap_done=1
	exit 0
}

instrumented() {
	grep -qs -e -DINSTRUMENTED "$BUILD/flags"
}

# The test is run once more, in a mount namespace.
own_mounts() {
	[ -z "${TAP_OWN_MOUNTS:-}" ] || return 0
	unshare -m true 2>/dev/null || skip_all 'no file system can be mounted'
	tap_done=1
	TAP_OWN_MOUNTS=yes unshare -m "$TOP/t/${0##*/}"
	exit
}

done_testing() {
	printf '1..%d\n' "$tap_count"
	tap_done=1
	exit 0
}

cd "$TMP" || exit 1
