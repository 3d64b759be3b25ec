#!/bin/sh
# --json: every line an object, the last one the result, also on failure.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

json=$BUILD/t/lib/json-lines

# events STATUS NAME COMMAND...: exit status; events go to $TMP/events.
events() {
	want=$1 name=$2
	shift 2
	"$@" >"$TMP/events" 2>"$TMP/errors"
	is "$name: its status" $? "$want"
	ok 'every line is an object' sh -c "'$json' event <'$TMP/events'"
	is 'the last is the result' "$(tail -n 1 "$OUT")" result
	is 'with the status' "$(tail -n 1 "$TMP/events" | "$json" status)" "$want"
}

# values KEY [EVENT]: those in $TMP/events, in a line.
values() {
	grep "\"event\":\"${2:-}" "$TMP/events" | "$json" "$1" | tr '\n' ' '
}

make_tree app
cd app || exit 1
printf 'bytes that are no \377 UTF-8' >"$(printf 'caf\351')"
cat >deploy.conf <<'END'
[hooks]
build = printf 'one\ntwo \033[1mbold\033[0m\tx\n'; printf 'no line feed'
restart = true
check = true
END
events 0 'a deploy' "$DEPLOY" --json local:blog
is 'it began' "$(values target begin)" 'local:blog '
is 'the stages' "$(values stage stage)" 'stage build switch restart check '
is 'what a hook said, as lines without colours' \
	"$(grep '"event":"log"' "$TMP/events" | "$json" text | sed -n '3,4p')" \
	'two bold        x
no line feed'
is 'the outcome' "$(values outcome target-result)" 'deployed '
is 'the release' "$(values release target-result)" "$(live blog) "
events 0 'the same again' "$DEPLOY" --json local:blog
is 'is the same' "$(values outcome target-result)" 'same '

echo '[hooks]
build = echo why >&2; exit 3' >deploy.conf
events 7 'a build that fails' "$DEPLOY" --json local:blog
is 'the hook' "$(values stage target-result)" 'build '
ok 'the reason is in the result' sh -c \
	"tail -n 1 '$TMP/events' | '$json' error | grep -q 'build failed'"
events 3 'no deployd' "$DEPLOY" --json --deployd=/no/such local:blog
events 2 'wrong usage' "$DEPLOY" --json --no-such
events 2 'no target' "$DEPLOY" --json nowhere
events 4 'a refusal' "$DEPLOY" --json --expect=nothing local:blog

events 0 'diff --files' "$DEPLOY" diff --json --files local:blog
ok 'paths with bytes that are no UTF-8 are escaped' \
	grep -qF 'caf\\xe9' "$TMP/events"
rm one
echo new >new
events 0 'a dry run' "$DEPLOY" -n --json local:blog
is 'the changes, deploy.conf among them' "$(values change change)" 'M A D '
is 'how much would be sent' "$(values bytes target-result)" '4 '
events 0 'releases' "$DEPLOY" releases --json local:blog
is 'they are told' "$(values state release)" 'failed live '
events 0 'status' "$DEPLOY" status --json local:blog
is 'what is live' "$(values live status)" "$(live blog) "
events 0 'log' "$DEPLOY" log --json local:blog
like 'its lines' "$TMP/events" '"text":"why"'
events 0 'version' "$DEPLOY" version --json
rm deploy.conf
ok 'another release' "$DEPLOY" --force local:blog
events 0 'rollback' "$DEPLOY" rollback --json local:blog
is 'is told as a deploy is' "$(values outcome target-result)" 'rolled-back '

# Progress: the bytes within one large file.
mkdir "$TMP/large"
head -c 3000000 /dev/urandom >"$TMP/large/blob"
printf '#!/bin/sh\nexec %s -r 8000 %s "$@"\n' "$BUILD/t/lib/slowlink" \
	"$DEPLOYD" >"$TMP/slow"
chmod 755 "$TMP/slow"
events 0 'a large file over a slow link' "$DEPLOY" --json -C "$TMP/large" \
	--deployd="$TMP/slow" local:large
is 'progress ends at its size' \
	"$(grep '"event":"progress"' "$TMP/events" | "$json" "done" | tail -n 1)" 3000000
ok 'and shows bytes in between' sh -c \
	"grep '\"event\":\"progress\"' '$TMP/events' | '$json' done |
	awk '\$1 > 0 && \$1 < 3000000 { n++ } END { exit n < 2 }'"

done_testing
