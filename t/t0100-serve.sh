#!/bin/sh
# deployd --serve through a pipe: the protocol as a stranger would speak it.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
own=$DEPLOYD_ROOT/blog/.deployd

# said FILE [ARGS]: what a server answers to those bytes.
said() {
	said_file=$1
	shift
	serve "$@"
	cat "$said_file" >&3
	finish
}

# Before anything is asked.
serve
ok 'the server says hello unasked' await hello
is 'its first line is the magic' "$(head -n 1 "$REPLY")" 'deploy-protocol 1'
is 'its version is 1' "$(got version hello)" 1
serve_end
is 'a client that leaves at once is no failure' $? 0

printf 'GET / HTTP/1.0\r\n\r\n' >other
serve
cat other >&3
exec 3>&-
await result
is 'another protocol is an error' "$(got status)" 6
like 'which quotes it' "$TRACE" 'GET / HTTP'
{
	echo 'Welcome to this machine!'
	hello
	control ask 'verb status' 'app blog'
} >noisy
said noisy
is 'noise before the magic line is passed over' "$(got status)" 4

# Frames.
for bad in 'push x' 'push 007' 'push -1' 'push  3' 'PUSH 3' 'pu5h 3' \
	'push-with-a-long-name 3' 'push 65537' 'push 99999999999999999999' \
	'push' ' 3'; do
	{
		hello
		printf '%s\nabc' "$bad"
	} >bytes
	said bytes
	is "a malformed frame is an error: $bad" "$(got status)" 6
	like 'which is said' "$TRACE" 'error .*malformed frame'
done
{
	hello
	control wibble 'app blog'
} >bytes
said bytes
is 'an unknown request is refused' "$(got status)" 4
{
	hello
	control .wibble 'app blog'
	control .ping
	control ask 'verb wibble' 'app blog'
} >bytes
said bytes
like 'an unknown frame with a dot is skipped' "$TRACE" "the verb 'wibble'"
is 'an unknown verb is refused' "$(got status)" 4
{
	magic
	control hello 'version 2'
} >bytes
said bytes
is 'another version of the protocol is refused' "$(got status)" 4
like 'with both versions' "$TRACE" 'version 2 .*version 1'
{
	magic
	control push 'app blog'
} >bytes
said bytes
is 'a request before hello is an error' "$(got status)" 6

# Requests that are wrong in themselves.
make_tree app
describe app
sha=$(hash_of "$SETTINGS")
for line in 'app ../x' 'app Blog' 'app .deployd' 'app a..b' 'app ' \
	'app aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; do
	{
		hello
		control push "$line" "tree $TREE" "settings $sha" \
			'then activate' 'files 1'
	} >bytes
	said bytes
	is "no name of an app: $line" "$(got status)" 4
done
for line in 'then wibble' 'tree abc' 'settings 00' 'files 1x' 'nokey' \
	'app blog'; do
	{
		hello
		{
			printf 'app blog\ntree %s\nsettings %s\n' "$TREE" "$sha"
			printf 'then activate\nfiles 1\n%s\n' "$line"
		} | grep -v "^${line%% *} [0-9a-f]\{64\}" >lines
		frame push lines
	} >bytes
	said bytes
	is "a malformed push: $line" "$(got status)" 6
done
ok 'of all this nothing was made' test ! -e "$DEPLOYD_ROOT"

# Who may what.
serve --app shop,other
push blog app >&3
finish
is 'a key for other apps is refused' "$(got status)" 4
like 'with a hint for the admin' "$TRACE" 'hint .*authorized_keys'
serve --allow read,rollback
push blog app >&3
finish
is 'a key that may not deploy is refused' "$(got status)" 4
serve --app=blog --allow=deploy
push blog app 'then compare' >&3
finish
is 'a key that may not read is refused a compare' "$(got status)" 4
ok 'and nothing was made' test ! -e "$DEPLOYD_ROOT"
# mistaken NAME PATTERN OPTION...: of who wrote the line of authorized_keys.
mistaken() {
	mistaken_name=$1
	mistaken_what=$2
	shift 2
	serve "$@"
	{
		hello
		control ask 'verb status' 'app blog'
	} >&3
	finish
	is "$mistaken_name is refused" "$(got status)" 4
	like 'which is told' "$TRACE" "error .*$mistaken_what"
	like 'with what to do' "$TRACE" 'hint on the server, .*deployd doctor'
}
mistaken 'whatever is asked where an unknown verb is to be allowed' wibble \
	--allow deploy,wibble
mistaken 'and where a list has no apps' 'apps?' --app ,
fails 2 'an unknown option is one' "$DEPLOYD" --serve --wibble

# A refusal is read even by who is still sending.
head -c 3000000 /dev/urandom >noise
serve --app shop
{
	push blog app
	stream files noise
	echo >written
} >&3
finish
is 'a refusal reaches a client that sends on' "$(got status)" 4
ok 'which could send it all' test -f written

# A whole deploy, written without waiting.
mkdir -p "$DEPLOYD_ROOT"
serve --as bob
deliver blog app 'git-commit abc' >&3
finish
is 'a first deploy' "$(got outcome)" deployed
same_tree 'arrives equal' app blog
first=$(live blog)
is 'its ID is in the result' "$(got release)" "$first"
is 'and what is live' "$(got live)" "$first"
is 'what came was not there' "$(got files need-end)" 6
is 'the order of frames' "$(awk '$1 == ">" && $2 !~ /^\./ { print $2 }' "$TRACE" | tr '\n' ' ')" \
	'hello live send need need-end result '
like 'the name of --as is recorded' "$own/history" " live $first - bob "
unlike 'not what the client claims' "$own/history" tester
ok 'tmp/ is empty' sh -c "[ -z \"\$(ls '$own/tmp')\" ]"

serve
push blog app >&3
finish
is 'the same again is the same' "$(got outcome)" same
is 'in one round trip' "$(awk '{ print $1 $2 }' "$TRACE" | grep '^[<>][a-z]' | tr '\n' ' ')" \
	'>hello <hello <push >live >result '
is 'named by its release' "$(got release)" "$first"
{
	hello
	control ask 'verb status' 'app blog'
} >bytes
"$DEPLOYD" --serve <bytes >answer
like 'who closes the pipe behind a question gets its answer' ./answer "^live $first"
like 'to the result' ./answer '^outcome answered'
{
	hello
	control ask 'verb status' 'app blgo'
} >bytes
said bytes
is 'an unknown app is refused' "$(got status)" 4
like 'with the near miss' "$TRACE" "this server has 'blog'"
said bytes --app blgo
unlike 'but not for who may not know of it' "$TRACE" "'blog'"
serve --app new
push new app >&3
await send
serve_end
unlike 'nor on a first deploy' "$TRACE" "'blog'"

# What does not verify.
echo 'edited' >app/one
serve
{
	push blog app
	tell_manifest
} >&3
await need-end
is 'only what changed is asked for' "$(got files need-end)" 1
mkdir wrong
echo 'EDITED' >wrong/one
echo one | tell_files wrong >&3
ok 'a file with another hash is reported' await bad
printf '%d\t%s\n' "$(grep -n "	one\$" "$MANIFEST" | cut -d: -f1)" \
	"$(printf 'f\t644\t7\t%s\tone' "$(hash_of wrong/one)")" >amend
# The tar stream is one: what follows is a new member of it.
frame amend amend >&3
serve_end
ok 'nothing is live but what was' test "$(live blog)" = "$first"

# frames TYPE FILE of a deploy that is spoilt somewhere.
spoilt() {
	serve
	{
		push blog app
		control full
		"$@"
	} >&3
	finish
}
good_settings() {
	frame settings "$SETTINGS"
}
spoil_settings() {
	echo '# other' >other-settings
	frame settings other-settings
}
spoil_manifest() {
	good_settings
	grep -v "	run\$" "$MANIFEST" | zstd -qc >packed
	stream manifest packed
}
other_tree() {
	good_settings
	describe wrong
	zstd -qc "$MANIFEST" >packed
	describe app
	stream manifest packed
}
no_zstd() {
	good_settings
	frame manifest "$MANIFEST"
}
climbing() {
	good_settings
	printf 'd\t755\t..\nf\t644\t1\t%s\t../x\nend\t%s\n' "$sha" "$sha" |
		zstd -qc >packed
	stream manifest packed
}
wrong_frame() {
	good_settings
	control go
}
for spoil in spoil_settings spoil_manifest other_tree no_zstd climbing \
	wrong_frame; do
	spoilt "$spoil"
	is "$spoil ends it" "$(got status)" 6
	is 'what is live is said' "$(got live)" "$first"
done

for spoil in header garbage; do
	serve
	{
		push blog app
		tell_manifest
	} >&3
	await need-end
	case $spoil in
	header) echo run | tell_files app >&3 ;;
	garbage) stream files "$MANIFEST" >&3 ;;
	esac
	finish
	is "a files stream with a wrong $spoil" "$(got status)" 6
done
is 'nothing of it went live' "$(live blog)" "$first"
is 'nor left a release' "$(ls "$DEPLOYD_ROOT/blog/releases")" "$first"

# A size that a hash does not have.
serve
{
	push blog app
	sed "s/^\\(f	644	\\)[0-9]*\\(	.*	one\\)\$/\\10\\2/" "$MANIFEST" |
		sed '$d' >lines
	printf 'end\t%s\n' "$(hash_of lines)" >>lines
	control full
} >/dev/null
tree=$(sed '$d' lines | sha256sum | cut -d' ' -f1)
serve
{
	hello
	control push 'app blog' "tree $tree" "settings $sha" 'files 9' \
		'then activate'
	control full
	frame settings "$SETTINGS"
	zstd -qc lines >packed
	stream manifest packed
} >&3
finish
is 'an empty file with a hash of something is an error' "$(got status)" 6

# What arrived stays.
arrived() {
	find "$own/tmp" -type f ! -name in | wc -l
}
rm -rf app/more
mkdir app/more
for i in 1 2 3 4 5; do
	head -c 100000 /dev/urandom >"app/more/$i"
done
serve
{
	push blog app
	tell_manifest
} >&3
await need-end
printf 'more/%s\n' 1 2 3 4 | tell_files app >&3
i=0
until [ "$(arrived)" -eq 4 ] || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.05
done
serve_end
is 'four files arrived before the cut' "$(arrived)" 4
serve
{
	push blog app
	tell_manifest
} >&3
await need-end
is 'they are not asked for again' "$(got files need-end)" 2
printf '%s\n' more/5 one | tell_files app >&3
finish
is 'with the rest it is whole' "$(got outcome)" deployed
same_tree 'and equal' app blog
second=$(live blog)

# Ways to stop.
echo stop >app/stop
serve
{
	push blog app
	tell_manifest
} >&3
await need-end
control abort >&3
finish
is 'an abort is heeded' "$(got status)" 130
is 'and what is live is said' "$(got live)" "$second"

printf '[hooks]\nbuild = echo $$ >%s/building; exec sleep 60\n' "$TMP" >"$SETTINGS"
building() {
	i=0
	until [ -s "$TMP/building" ] || [ $i -gt 100 ]; do
		i=$((i + 1))
		sleep 0.05
	done
	cat "$TMP/building"
}
serve
{
	push blog app 'hooks 1'
	tell_manifest
	echo stop | tell_files app
} >&3
shell=$(building)
ok 'the build is running' kill -0 "$shell"
control abort >&3
finish
is 'an abort during the build' "$(got status)" 130
is 'is told with the stage' "$(got stage)" build
fails 1 'the build was stopped' kill -0 "$shell"
is 'nothing of it is a release' "$(find "$DEPLOYD_ROOT/blog/releases" -mindepth 1 -maxdepth 1 | wc -l)" 2
rm building
serve
{
	push blog app 'hooks 1'
	tell_manifest
} >&3
shell=$(building)
is 'what had been uploaded is not asked for again' \
	"$(got files need-end) $(got reused need-end)" " $(grep -c '^f' "$MANIFEST")"
serve_end
fails 1 'a client that vanishes stops the build too' kill -0 "$shell"
is 'the old release is live' "$(live blog)" "$second"
like 'which is in the history' "$own/history" ' failed .* tester .*cancelled'

# Waiting for a lock.
rm building
serve
{
	push blog app 'hooks 1'
	tell_manifest
} >&3
building >/dev/null
exec 4>&3
holder=$PID
serve
push blog app 'hooks 1' 'user second' >&3
finish
is 'a second deploy is busy' "$(got status)" 5
like 'who and since when is said' "$TRACE" 'error .*tester since 20[0-9-]* '
serve
{
	push blog app 'hooks 1' 'wait 9223372036854775807'
	tell_manifest
	control abort
} >&3
finish
is 'an abort while it waits is heeded' "$(got status)" 130
exec 4>&-
wait "$holder"
: >"$SETTINGS"

# Holding.
rm app/stop
echo held >app/held
serve
{
	push blog app 'then hold' 'force yes'
	tell_manifest
	echo held | tell_files app
} >&3
ok 'a deploy that is held says so' await staged
is 'it is not live' "$(live blog)" "$second"
control go >&3
finish
is 'go makes it live' "$(live blog)" "$(got release)"
is 'deployed' "$(got outcome)" deployed
third=$(live blog)
echo not >app/held
serve
{
	push blog app 'then hold'
	tell_manifest
	echo held | tell_files app
} >&3
await staged
serve_end
is 'without go it does not go live' "$(live blog)" "$third"

# A compare changes nothing.
before=$(listing "$DEPLOYD_ROOT" | sha256sum)
serve
{
	push blog app 'then compare'
	tell_manifest
} >&3
finish
is 'a compare' "$(got outcome)" compared
ok 'sends the live tree' grep -q '^> manifest' "$TRACE"
serve
{
	push never app 'then compare'
	tell_manifest
} >&3
finish
is 'also for an app that is not there' "$(got outcome)" compared
is 'nothing changed' "$(listing "$DEPLOYD_ROOT" | sha256sum)" "$before"

# Expectations and limits.
serve
push blog app "expect $second" >&3
finish
is 'another release than expected is refused' "$(got status)" 4
serve
push new app 'expect nothing' >&3
ok 'nothing may be expected' await send
serve_end
printf '[deployd]\nmax_sessions = 1\n' >"$DEPLOYD_CONF"
serve
push new app >&3
await send
exec 4>&3
holder=$PID
serve
push blog app >&3
finish
is 'more than max_sessions are busy' "$(got status)" 5
like 'with the key to raise' "$TRACE" 'hint .*raise max_sessions in deployd.conf'
exec 4>&-
wait "$holder"
for limit in max_files max_bytes max_file_size max_path max_entries; do
	printf '[deployd]\n%s = 3\n' "$limit" >"$DEPLOYD_CONF"
	serve
	{
		push blog app 'bytes 1'
		tell_manifest
	} >&3
	finish
	is "over $limit is refused" "$(got status)" 4
	like 'and named' "$TRACE" "(error|hint) .*$limit"
	like 'with how to raise it' "$TRACE" \
		"hint raise ($limit in deployd.conf|it there)"
done
: >"$DEPLOYD_CONF"

mkdir "$DEPLOYD_ROOT/link"
ln -s "$TMP" "$DEPLOYD_ROOT/link/.deployd"
serve
push link app >&3
finish
is 'a store that is a link is refused' "$(got status)" 4
ln -s "$TMP" "$DEPLOYD_ROOT/elsewhere"
serve
push elsewhere app >&3
finish
is 'an app that is a link too' "$(got status)" 4

is 'none of them said anything on standard error' "$(cat "$ERRORS")" ''
done_testing
