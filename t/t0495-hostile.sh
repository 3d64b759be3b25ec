#!/bin/sh
# Servers that do not keep to the protocol: the client ends with a status of
# its table and a reason, and nothing of theirs reaches the terminal raw.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1

# server: what it says, after its hello, comes from standard input.
server() {
	{
		cat <<'END'
#!/bin/sh
printf 'deploy-protocol 1\nhello 10\nversion 1\n'
END
		cat
	} >"$TMP/server"
	chmod 755 "$TMP/server"
}

# says TYPE PAYLOAD: a frame, printed by the server.
says() {
	payload=$(printf '%b.' "$2")
	payload=${payload%.}
	printf "printf '%%s %%d\\\\n%%b' '%s' %d '%s'\n" "$1" \
		"$(printf %s "$payload" | wc -c)" "$2"
}


# against STATUS NAME [ARGUMENTS]: deploys to that server.
against() {
	want=$1 name=$2
	shift 2
	[ $# -gt 0 ] || set -- local:x
	fails "$want" "$name" timeout 20 "$DEPLOY" --deployd="$TMP/server" "$@"
}

says result '' | server
against 6 'a result that says nothing'
like 'is no success' "$OUT" 'says nothing'
says result 'status 7\noutcome failed\nerror \n' | server
against 7 'a failure without a reason'
like 'is a failure' "$OUT" 'gave no reason'
says result 'status 42\nerror x\n' | server
against 6 'a status that is none'
says result 'status 4\nerror \033]0;title\007 gone\n' | server
against 4 'a reason with an escape sequence'
like 'is shown escaped' "$OUT" '\\x1b\]0;title\\x07 gone'

says live 'release x\nrelease y\n' | server
against 6 'a malformed message'
like 'is named' "$OUT" 'release stands twice'
{
	says live ''
	says send 'what full\n'
	says send 'what full\n'
} | server
against 6 'asking for the manifest again and again'
{
	says live ''
	says need '5-3\n'
} | server
against 6 'malformed ranges'
{
	says live ''
	says need '1-4000000000\n'
} | server
against 6 'lines that the manifest has not'
{
	says live ''
	says need '1\n'
	says need-end 'files 1\n'
} | server
against 6 'a need that is a directory'
{
	says live ''
	says need '2\n'
	says need-end 'files 1\n'
	# shellcheck disable=SC2016 # the server's
	echo 'n=0; while [ $((n += 1)) -le 3000 ]; do'
	says bad '2\n'
	echo 'done; cat >/dev/null'
} | server
# Which of the client's limits comes first is a matter of who is faster.
timeout 20 "$DEPLOY" --deployd="$TMP/server" local:x >"$TMP/out" 2>&1
status=$?
ok 'a file that is wrong for ever' test $status -eq 1 -o $status -eq 6
like 'is not sent for ever' "$TMP/out" \
	'keeps changing while it is sent|asks for the same again and again'
{
	says live ''
	says need-end ''
	says need '1\n'
} | server
against 6 'a need behind the end'
like 'is not expected there' "$OUT" 'unexpected need'
{
	says live ''
	says need-end ''
	says staged ''
} | server
against 6 'a release that is held although it is to go live'
says manifest x | server
against 6 'a manifest that was not asked for'
says no-such '' | server
against 6 'an unknown frame'
{
	says .no-such ''
	says result 'status 5\nerror busy\n'
} | server
against 5 'one that may be skipped is'

{
	says live ''
	says need-end ''
	says .stage 'name build\n'
	says .log '\033]0;title\007 what the hook said\n'
	says result 'status 7\noutcome failed\nstage build\nerror it failed\n'
} | server
against 7 'what a hook said, shown with -q since it failed' -q local:x
like 'is escaped' "$OUT" '\\x1b\]0;title\\x07 what the hook said'
unlike 'in full' "$OUT" "$(printf '\033')"

# What is done after the switch is not undone by who does not say so.
{
	says live ''
	says need-end ''
	says .stage 'since 5\nname switch\nunknown x\n'
} | server
against 6 'an end after the switch'
like 'is said to be one' "$OUT" 'after the switch had begun'

says output '\033]0;title\007' | server
against 6 'output that was not asked for' status local:x
unlike 'does not reach the terminal' "$OUT" "$(printf '\033')"
{
	says live ''
	says need-end ''
	says result 'outcome compared\n'
} | server
against 6 'a comparison without the live tree' diff local:x
{
	says variable 'NAME'
	says result 'outcome answered\n'
} | server
against 6 'a variable without a value' env list --reveal local:x
says variable '=value' | server
against 6 'one without a name' env list local:x
cat >"$TMP/server" <<'END'
#!/bin/sh
while :; do
	echo 'Welcome to this machine, which only talks and talks and talks'
done
END
against 3 'a server that only talks'
like 'is quoted' "$OUT" 'it said: Welcome'

done_testing
