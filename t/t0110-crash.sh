#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# deployd killed at every step: the next deploy finishes what was begun, and
# what is live resolves all the time.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
own=$DEPLOYD_ROOT/blog/.deployd
log=$TMP/log
n=0

# Each hook notes itself, and kills deployd where the file kill-HOOK-APP says
# so; check fails where the release holds a file `bad'.
cat >"$TMP/hook" <<END
#!/bin/sh
echo "\$1 \$(cat version)" >>$log
[ ! -e "$TMP/kill-\$1" ] || [ "\$(cat "$TMP/kill-\$1")" != "\$(cat version)" ] || {
	rm "$TMP/kill-\$1"
	kill -9 "\$(awk '/^PPid/ { print \$2 }' /proc/\$2/status)"
	sleep 20
}
[ "\$1" != check ] || ! [ -e bad ]
END
chmod 755 "$TMP/hook"
cat >"$SETTINGS" <<END
[hooks]
build = $TMP/hook build \$PPID
migrate = $TMP/hook migrate \$PPID
restart = $TMP/hook restart \$PPID
check = $TMP/hook check \$PPID
check_timeout = 3
END

mkdir app
# version N [bad]: the tree to deploy.
version() {
	echo "$1" >app/version
	rm -f app/bad
	[ -z "${2:-}" ] || touch app/bad
}
# The version is the one file that has content.
try() {
	serve
	{
		push blog app 'hooks 4' "$@"
		tell_manifest
		echo version | tell_files app
	} >&3
	finish
}
# Kills deployd in HOOK of the release with VERSION.
kill_in() {
	echo "$2" >"$TMP/kill-$1"
}
hooks() {
	tr '\n' ' ' <"$log"
	: >"$log"
}
whole() {
	n=$((n + 1))
	is "current is whole ($n)" "$(cat "$DEPLOYD_ROOT/blog/current/version")" "$1"
}

version 1
try
is 'to begin with' "$(got outcome)" deployed
hooks >/dev/null

# Before the switch.
for hook in build migrate; do
	version "2 $hook"
	kill_in $hook "2 $hook"
	try
	unlike "killed in $hook: no result" "$TRACE" '^> result'
	whole 1
done
hooks >/dev/null
try
is 'the next deploy goes through' "$(got outcome)" deployed
is 'with every hook' "$(hooks)" \
	'build 2 migrate migrate 2 migrate restart 2 migrate check 2 migrate '
whole '2 migrate'

# Between the switch and its outcome.
for hook in restart check; do
	before=$(live blog)
	version "3 $hook"
	kill_in $hook "3 $hook"
	try
	whole "3 $hook"
	unlike "killed in $hook: the outcome is not there" "$own/history" " live $(live blog) "
	hooks >/dev/null
	crashed=$(live blog)
	version "4 $hook"
	try
	is 'the next deploy is its own' "$(got outcome)" deployed
	is 'restart and check of the one cut off come first' "$(hooks)" \
		"restart 3 $hook check 3 $hook build 4 $hook migrate 4 $hook restart 4 $hook check 4 $hook "
	like 'which is said' "$TRACE" 'cut off at its switch'
	like 'it is in the history' "$own/history" " live $crashed $before recovery "
	like 'and in its record' "$own/records/$crashed" '^checked yes'
	whole "4 $hook"
done

# The same tree again.
version 5
kill_in restart 5
try
hooks >/dev/null
try
is 'the same tree after a crash' "$(got outcome)" same
is 'restarts and checks it' "$(hooks)" 'restart 5 check 5 '

# The one that was cut off turns out to be bad.
good=$(live blog)
version 6 bad
kill_in restart '6'
try
bad=$(live blog)
hooks >/dev/null
version 7
try
is 'a bad one that was cut off' "$(got outcome)" deployed
like 'is switched back from' "$own/history" " reverted $bad $good recovery "
like 'the one before was restarted' "$(hooks)" 'restart 6 check 6 .*restart 5 check 5 build 7'
version 6 bad
serve
push blog app 'hooks 4' >&3
finish
is 'its tree is held' "$(got status)" 4

# On the way back.
good=$(live blog)
version 8 bad
kill_in restart 7
try
unlike 'killed on the way back: no result' "$TRACE" '^> result'
whole 7
hooks >/dev/null
version 9
try
is 'the next deploy after that' "$(got outcome)" deployed
is 'first restarts what is live' "$(hooks)" \
	'restart 7 check 7 build 9 migrate 9 restart 9 check 9 '
is 'the outcome is in the history' "$(awk '$2 == "reverted" { from = $4 } END { print from }' "$own/history")" "$good"
version 8 bad
serve
push blog app 'hooks 4' >&3
finish
is 'that tree is held as well' "$(got status)" 4

# Before the rename.
printf '%s switching %s %s ann -\n' "$(date +%s)" 20200101T000000Z-00000000 "$(live blog)" >>"$own/history"
version 10
hooks >/dev/null
try
is 'a switch that was announced only' "$(hooks)" \
	'build 10 migrate 10 restart 10 check 10 '
like 'is noted as not done' "$own/history" ' reverted 20200101T000000Z-00000000 '

# A torn line, and one of nothing.
printf '17955 liv' >>"$own/history"
version 11
try
is 'a torn line of history is no obstacle' "$(got outcome)" deployed
printf '\0\0\0\n' >>"$own/history"
previous=$(live blog)
version 12
try
is 'nor are zeros' "$(got outcome)" deployed

# A rollback that is cut off.
ask() {
	serve
	{
		hello
		control ask 'app blog' "$@"
	} >&3
	finish
}
rolled=$(live blog)
kill_in restart 11
ask 'verb rollback'
whole 11
version 12
serve
push blog app 'hooks 4' >&3
finish
is 'a rollback that was cut off is not undone by cron' "$(got status)" 4
like 'it was finished first' "$own/history" " rollback $previous $rolled recovery "
ask 'verb rollback'
is 'the next rollback goes further back' "$(cat "$DEPLOYD_ROOT/blog/current/version")" 10

# Failures that are no crashes.
ask 'verb activate' "release $previous"
is 'what was rolled back from can be activated' "$(got outcome)" activated
version 13 bad
try
is 'a bad check' "$(got status)" 8
is 'is told with its stage' "$(got stage)" check
is 'and that it is held' "$(got held)" yes
whole 11

version 14 bad
try 'force yes'
is 'forced or not' "$(got status)" 8

# What is live is never taken away by what goes wrong with it.
good=$(live blog)
cat >"$TMP/hook2" <<'END'
#!/bin/sh
# From now on nothing can be recorded.
[ "$1" != restart ] || chmod 500 "$2/records"
END
chmod 755 "$TMP/hook2"
if [ "$(id -u)" -ne 0 ]; then
	cp "$SETTINGS" "$TMP/settings"
	printf '[hooks]\nrestart = %s restart %s\n' "$TMP/hook2" "$own" >"$SETTINGS"
	version 15
	try
	is 'a record that cannot be written' "$(got outcome)" deployed
	chmod 700 "$own/records"
	whole 15
	cp "$TMP/settings" "$SETTINGS"
fi
rm -r "$DEPLOYD_ROOT/blog/releases/$(live blog)"
version 11
try
is 'a live release that was removed by hand is deployed anew' "$(got outcome)" deployed
whole 11
rm "$own/records/$(live blog)"
version 16
try
is 'a live release whose record is lost is replaced' "$(got outcome)" deployed
whole 16

# A first release.
serve
{
	version 1 bad
	push fresh app 'hooks 4'
	tell_manifest
	echo version | tell_files app
} >&3
finish
is 'a first release that fails' "$(got status)" 8
fails 1 'leaves nothing live' test -L "$DEPLOYD_ROOT/fresh/current"
echo 1 >"$TMP/kill-restart"
serve
{
	push fresh app 'hooks 4' 'force yes'
	tell_manifest
	echo version | tell_files app
} >&3
finish
version 2
serve
{
	push fresh app 'hooks 4'
	tell_manifest
	echo version | tell_files app
} >&3
finish
is 'one that was cut off and is bad' "$(got outcome)" deployed
is 'had nothing to go back to' "$(events fresh)" \
	'switching back reverted forced switching recovering back reverted switching live '
is 'none of them said anything on standard error' "$(cat "$ERRORS")" ''

# Who prepares the next release, killed at each step.
killer() {
	cat >"$TMP/killer" <<-END
		#!/bin/sh
		exec strace -f -o "$TMP/trace" -e trace=$1 \
			-e inject=$1:signal=KILL:when=$2 "$DEPLOYD" "\$@"
	END
	chmod 755 "$TMP/killer"
}
# Is to make a copy of what is live, or to take over what retention dropped.
spoil() {
	rm -rf "$spare/next" "$spare/next.index" "$spare/next.spare"
	[ "$1" != dropped ] || mv "$(find "$DEPLOYD_ROOT/spare/releases" \
		-mindepth 1 -maxdepth 1 | LC_ALL=C sort | head -n 1)" \
		"$spare/trash"
}
# killed HOW CALL N: nothing changed, so that all of these calls are its own.
killed() {
	settle
	spoil "$1"
	killer "$2" "$3"
	ok "$1, $2 $3: it is killed behind the answer" \
		"$DEPLOY" --deployd="$TMP/killer" local:spare tree
	settle
	like 'at that step' "$TMP/trace" 'killed by SIGKILL'
	echo "$1 $2 $3" >tree/one
	ok 'the next deploy' "$DEPLOY" local:spare tree
	same_tree 'is whole' tree spare
}
make_tree tree
spare=$DEPLOYD_ROOT/spare/.deployd
if command -v strace >/dev/null && strace -o "$TMP/trace" true 2>/dev/null; then
	ok 'another app' "$DEPLOY" local:spare tree
	settle
	for call in copy_file_range symlinkat utimensat fsync renameat; do
		killed copied $call 1
		killed copied $call 2
	done
	for n in 3 4 5; do
		killed copied renameat $n
	done
	for call in unlinkat utimensat renameat; do
		killed dropped $call 1
		killed dropped $call 3
	done
	for n in 2 4 5; do
		killed dropped renameat $n
	done
else
	skip 'who prepares the next release' 'strace may not trace'
fi

done_testing
