#!/bin/sh
# A line of the env file that hooks refuse is told by whoever looks, not first
# by the rollback that is needed.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
app=$DEPLOYD_ROOT/blog
make_tree app
printf '[hooks]\nrestart = true\n' >app/deploy.conf
ok 'a release' "$DEPLOY" local:blog app
echo 2 >app/one
ok 'another' "$DEPLOY" local:blog app
# set_variable NAME=VALUE
set_variable() {
	echo "${1#*=}" | "$DEPLOY" env set local:blog "${1%%=*}"
}
ok 'variables are set' set_variable A=1
unlike 'without a word' "$OUT" 'env:'
printf '# a comment\nthis is no variable\n' >>"$app/env"
chmod 600 "$app/env"
said="$app/env:3: expected NAME=value"
ok 'env list' "$DEPLOY" env list local:blog
like 'tells of the line' "$OUT" "$said; correct that on the server: no hook of the app runs until then"
like 'and lists the rest' "$OUT" '^A'
ok 'env set' set_variable B=2
like 'too' "$OUT" "$said"
ok 'and so does env unset' "$DEPLOY" env unset local:blog B
like 'in the end' "$OUT" "$said"
ok 'as events' "$DEPLOY" --json env list local:blog
fails 1 'fsck' "$DEPLOYD" fsck blog
like 'tells of it' "$OUT" "^blog: env: $said \\(left: correct that on the server"
"$DEPLOYD" doctor >looked
like 'doctor' ./looked "^fault apps  *$said: correct that on the server"
fails 4 'a rollback' "$DEPLOY" rollback local:blog
like 'has the line' "$OUT" "$said"
like 'and what to do' "$OUT" '^deploy: correct that on the server'
printf 'A="open\n' >"$app/env"
fails 1 'a quote that is open' "$DEPLOYD" fsck blog
like 'as well' "$OUT" "env:1: a quote is not closed"
rm "$app/env"
mkfifo "$app/env"
fails 1 'what is no file' "$DEPLOYD" fsck blog
like 'as well' "$OUT" "^blog: env: "
rm "$app/env"
echo "A=1" >"$app/env"
chmod 600 "$app/env"
ok 'once it is right' "$DEPLOY" rollback local:blog
ok 'nothing is wrong' "$DEPLOYD" fsck blog
printf 'no variable\n' >"$app/env"
printf '[app "blog"]\nhooks = none\n' >>"$DEPLOYD_CONF"
ok 'where no hooks run' "$DEPLOY" env list local:blog
unlike 'none refuses it' "$OUT" 'env:'
done_testing
