#!/bin/sh
# Where the apps are: a root that is missing, closed or no directory, and what
# deployd.conf says that cannot be meant.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
mkdir app
echo one >app/one

# deploy ROOT [LINE...]
deploy() {
	deploy_root=$1
	shift
	serve --root "$deploy_root"
	{
		push blog app "$@"
		tell_manifest
		echo one | tell_files app
	} >&3
	finish
}
is_there() {
	is "$1" "$(cat "$2/blog/current/one" 2>/dev/null)" one
}

deploy "$TMP/a/b/c"
is 'a root that is missing is made' "$(got outcome)" deployed
is_there 'with its parents' "$TMP/a/b/c"
deploy "$TMP//d/e/"
is 'however it is written' "$(got outcome)" deployed
is_there 'and is used' "$TMP/d/e"
mkdir real
ln -s real linked
deploy "$TMP/linked/f/g"
is 'also behind a link' "$(got outcome)" deployed
is_there 'where that leads' "$TMP/real/f/g"
unset DEPLOYD_ROOT
serve
{
	push blog app
	tell_manifest
	echo one | tell_files app
} >&3
finish
is_there 'the default is ~/apps' "$HOME/apps"
DEPLOYD_ROOT=$TMP/srv
export DEPLOYD_ROOT

# A compare makes nothing.
mkdir empty
for root in "$TMP/none/at/all" "$TMP/empty"; do
	serve --root "$root"
	{
		push blog app 'then compare'
		tell_manifest
	} >&3
	finish
	is "a compare below $root" "$(got outcome)" compared
done
ok 'makes no root' test ! -e none
is 'nor anything in it' "$(find empty -mindepth 1)" ''
ok 'a dry run' "$DEPLOY" -n -C app local:blog
ok 'neither' test ! -e "$DEPLOYD_ROOT"

# What is no directory.
# refused ROOT PATTERN: with status 4, in an answer that says why.
refused() {
	deploy "$1"
	is "refused: $1" "$(got status)" 4
	got error >said
	like 'why' ./said "$2"
}
echo file >file
refused "$TMP/file" "$TMP/file: Not a directory"
like 'and what to do' "$TRACE" 'hint .*move it away'
refused "$TMP/file/x" "$TMP/file/x: Not a directory"
echo file >empty/blog
refused "$TMP/empty" "$TMP/empty/blog: (Not a directory|File exists)"
like 'and what to do' "$TRACE" 'hint .*move it away'
mkdir -p odd/blog/.deployd
echo file >odd/blog/.deployd/tmp
refused "$TMP/odd" "$TMP/odd/blog/.deployd/tmp: Not a directory"
like 'and what to do' "$TRACE" 'hint .*move it away'
serve --root "$TMP/empty"
push blog app 'then compare' >&3
finish
is 'a compare says so too' "$(got status)" 4
is 'a file is left alone' "$(cat empty/blog)" file

# What may not be written, by who is not root.
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 "$TMP"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}
mkdir closed closed-app closed-own
(umask 0; mkdir -p open closed-app/blog)
chmod 777 open closed-own
mkdir -m 777 closed-own/.deployd
mkdir closed-app/.deployd
chmod 777 closed-app/.deployd
chmod 555 closed closed-app closed-app/blog
if as_user "$DEPLOYD" --version >/dev/null 2>&1 &&
	! as_user mkdir closed/x 2>/dev/null; then
	{
		push blog app
		tell_manifest
		echo one | tell_files app
	} >bytes
	answer() {
		as_user "$DEPLOYD" --serve --root "$1" <bytes 2>>"$ERRORS" \
			>answered
		STATUS=$?
	}
	for root in /nonexistent/x "$TMP/closed/x" "$TMP/closed" \
		"$TMP/closed-app"; do
		answer "$root"
		is "one that may not write $root" "$STATUS" 0
		like 'is refused' ./answered '^status 4$'
		like 'with the path and the reason' ./answered \
			"^error .*$root.*: (Permission denied|No such file)"
		like 'and what to do' ./answered '^hint .*on the server'
	done
	# A store that somebody else made.
	"$DEPLOYD" --serve --root "$TMP/open" <bytes >/dev/null 2>&1
	answer "$TMP/open"
	like "another account's app" ./answered '^status 4$'
	like 'is named' ./answered "^error .*$TMP/open/blog belongs to uid "
else
	skip 'a root that may not be written' 'no other account can be used'
fi

# deployd.conf.
# wrong LINE-NUMBER PATTERN LINE...: an error that names the line.
wrong() {
	wrong_line=$1
	wrong_pattern=$2
	shift 2
	printf '%s\n' "$@" >"$DEPLOYD_CONF"
	fails 1 "deployd.conf: $*" "$DEPLOYD" status blog
	like 'names the line' "$OUT" "deployd.conf:$wrong_line: .*$wrong_pattern"
}
wrong 2 'at least 1' '[deployd]' 'keep = 0'
wrong 2 'root' '[deployd]' 'root ='
wrong 2 'no effect.*hooks = server' '[app "x"]' 'restart = true'
wrong 3 'no effect.*hooks = server' '[app "x"]' 'hooks = tree' 'build = true'
wrong 2 'check_timeout has no effect' '[app "x"]' 'check_timeout = 3'
printf '[app "x"]\nhooks = server\nbuild = true\n[app "y"]\nhooks = none\nbuild = true\n' >"$DEPLOYD_CONF"
fails 4 'with server, or none for now, it is no mistake' "$DEPLOYD" status blog
: >"$DEPLOYD_CONF"
fails 1 'an empty --root is refused' "$DEPLOYD" --root= status blog

is 'standard error was silent' "$(cat "$ERRORS")" ''
done_testing
