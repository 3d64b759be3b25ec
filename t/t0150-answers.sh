#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# What the server's answers tell: what is live, other apps, who is waited for,
# and that there is nothing to do.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
own=$DEPLOYD_ROOT/blog/.deployd
mkdir app
n=0

# Another tree each time.
say() {
	n=$((n + 1))
	echo $n >app/version
	again "$@"
}
again() {
	push blog app "$@"
	tell_manifest
	echo version | tell_files app
}
deploy() {
	serve
	say "$@" >&3
	finish
}
ask() {
	ask_verb=$1
	shift
	serve
	{
		hello
		control ask "verb $ask_verb" 'app blog' "$@"
	} >&3
	finish
}
stages() {
	awk '$1 == "name" { print $2 }' "$TRACE" | tr '\n' ' '
}

# What is live is said in every result.
deploy
first=$(live blog)
deploy
second=$(live blog)
ask rollback
is 'a rollback' "$(got outcome)" rolled-back
serve
again >&3
finish
is 'a tree that is held' "$(got status)" 4
is 'is refused with what is live' "$(got live)" "$first"
deploy "expect $second"
is 'another one than expected' "$(got status) $(got live)" "4 $first"
serve
say 'then hold' >&3
await staged
control abort >&3
finish
is 'a hold that is cancelled' "$(got status) $(got live)" "130 $first"
printf '[deployd]\nmax_files = 1\n' >"$DEPLOYD_CONF"
touch app/more
deploy 'bytes 1'
is 'a tree over a limit' "$(got status) $(got live)" "4 $first"
rm app/more

printf '[deployd]\nmax_sessions = 1\n' >"$DEPLOYD_CONF"
serve
push blog app >&3
await send
exec 4>&3
holder=$PID
deploy
is 'one session too many' "$(got status)" 5
is 'is told what is live' "$(got live)" "$first"
ask status
is 'so is a question too many' "$(got status) $(got live)" "5 $first"
serve
push fresh app >&3
finish
is 'and a deploy of a new app' "$(got status)" 5
ok 'of which nothing is made' test ! -e "$DEPLOYD_ROOT/fresh"
exec 4>&-
wait "$holder"
: >"$DEPLOYD_CONF"
for limit in '--app shop' '--allow read'; do
	# shellcheck disable=SC2086 # two words
	serve $limit
	again >&3
	finish
	is "who may not, with $limit" "$(got status)" 4
	is 'is told nothing' "$(got live)" ''
done

# Nothing to do.
printf '[hooks]\nrestart = true\n' >"$SETTINGS"
deploy 'hooks 1'
third=$(live blog)
ask rollback "release $third"
is 'a rollback to what is live' "$(got status) $(got outcome)" ' same'
is 'names it' "$(got release) $(got previous)" "$third "
is 'and does nothing' "$(stages)" ''
ask rollback "release $third" "expect $first"
is 'unless something else is expected' "$(got status)" 4
ask activate "release $third"
is 'activating what is live' "$(got status) $(got outcome)" ' same'
is 'does nothing either' "$(stages)" ''
sed -i '/^checked/d' "$own/records/$third"
ask activate "release $third"
is 'but what is not checked' "$(got outcome)" activated
like 'is restarted' "$TRACE" 'name restart'
sed -i '/^checked/d' "$own/records/$third"
ask rollback "release $third"
like 'by a rollback as well' "$TRACE" 'name restart'
unlike 'which does not hold it' "$own/records/$third" '^held'
ok 'the client' "$DEPLOY" rollback local:blog "$third"
like 'says it' "$OUT" "$third is live already"
ok 'for activate as well' "$DEPLOY" activate local:blog "$third"
like 'says it too' "$OUT" "$third is live already"

# One tree, twice.
serve
again 'hooks 1' 'rebuild yes' >&3
finish
fourth=$(live blog)
is 'a rebuild' "$(got outcome)" deployed
ask rollback "release $third"
is 'from which one goes back to the same tree' "$(live blog)" "$third"
serve
again 'hooks 1' 'rebuild yes' >&3
finish
is 'does not hold the tree' "$(got outcome)" deployed
unlike 'nor the release' "$own/records/$fourth" '^held'
# Even where a record of it says so.
echo 'held yes' >>"$own/records/$fourth"
serve
again 'hooks 1' 'rebuild yes' >&3
finish
is 'what is live is never held' "$(got outcome)" deployed
: >"$SETTINGS"

# Whom a deploy waits for.
printf '[hooks]\nbuild = touch %s/building; until [ -e %s/go ]; do sleep 0.1; done\n' "$TMP" "$TMP" >"$SETTINGS"
serve
say 'hooks 1' 'user ann' >&3
until [ -e building ]; do sleep 0.05; done
exec 4>&3
holder=$PID
trace=$TRACE
TRACE=$TMP/.serve/trace2
serve
push blog app 'hooks 1' 'wait 50' >&3
i=0
until grep -q '^> .note' "$TRACE" || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.05
done
like 'a deploy that waits says for whom' "$TRACE" '^    .*blog.* ann since 20[0-9-]+ '
like 'and how long it will' "$TRACE" '^    .*up to 50 s'
is 'once' "$(sleep 1; grep -c '^> .note' "$TRACE")" 1
serve_end
serve
push blog app 'hooks 1' >&3
finish
unlike 'one that was not told to wait does not' "$TRACE" '^> .note'
like 'it is told how to' "$TRACE" 'hint .*--wait'
fails 5 'the admin is told' "$DEPLOYD" prune blog
unlike 'but has no such option' "$OUT" '--wait'
touch go
TRACE=$trace
exec 4>&-
wait "$holder"
: >"$SETTINGS"

# A switch that takes long is waited for as well.
printf '[hooks]\nrestart = touch %s/restarting; sleep 3\n' "$TMP" >"$SETTINGS"
serve
say 'hooks 1' 'user ann' >&3
until [ -e restarting ]; do sleep 0.05; done
exec 4>&3
holder=$PID
trace=$TRACE
TRACE=$TMP/.serve/trace2
ask rollback "release $third" 'wait 50'
like 'a rollback behind a switch says so' "$TRACE" '^    .*being made live: ann since'
TRACE=$trace
exec 4>&-
wait "$holder"
: >"$SETTINGS"

# Names of other apps.
for app in shop shop2 shoq shopping-cart xhop wiki; do
	mkdir -p "$DEPLOYD_ROOT/$app/.deployd"
done
# near APP [OPTION...]: the names that are told to who mistypes it.
near() {
	near_app=$1
	shift
	serve "$@"
	{
		hello
		control ask 'verb status' "app $near_app"
	} >&3
	finish
	got hint | grep -o "'[^']*'" | tr '\n' ' '
}
is 'names that are like it, three at most' "$(near shap)" "'shop' 'shop2' 'shoq' "
is 'or begin like it' "$(near shopping)" "'shop' 'shopping-cart' "
is 'no others' "$(near mail)" ''
is 'two letters are not enough to be like' "$(near to)" ''
is 'of those that the key may see' "$(near shap --app shap,shoq,wiki)" "'shoq' "
is 'and only if it may read' "$(near shap --allow deploy)" ''
serve
push shap app >&3
await .note
serve_end
like 'a new app is told with them' "$TRACE" "new app here; this server has 'shop', 'shop2', 'shoq'\$"
serve --app shap,wiki --allow deploy,read
push shap app >&3
await .note
serve_end
unlike 'where it may' "$TRACE" 'this server'
fails 4 'the admin' "$DEPLOYD" status blgo
like 'is told too' "$OUT" "this server has 'blog'"
serve
{
	hello
	control ask 'verb status' 'app blog'
} >&3
finish
like 'status names all apps' "$TRACE" '^    apps blog .*wiki'
serve --app blog,wiki,none
{
	hello
	control ask 'verb status' 'app blog'
} >&3
finish
is 'or those that the key may see' "$(got apps status)" 'blog wiki'

# Why something is not reused.
echo damaged >"$own/records/$third"
deploy
like 'a reason is told' "$TRACE" "reason $third is not reused"
unlike 'as a whole sentence' "$TRACE" 'reason .*; *$'

is 'standard error was silent' "$(cat "$ERRORS")" ''
done_testing
