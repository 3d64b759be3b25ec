#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# What is of one app, or of the server, is nobody else's: a hash opens nothing,
# and no error has a line of a file in it.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'

# A server that says hello, and then nothing; it takes half a minute.
cat >silent <<'END'
#!/bin/sh
printf 'deploy-protocol 1\nhello 10\nversion 1\n'
exec cat >/dev/null
END
chmod 755 silent
mkdir app
echo one >app/one
spawn "$TMP/silence" timeout 60 "$DEPLOY" --deployd="$TMP/silent" local:x app
silent=$PID

# Content of blog, of which another app is asked for no byte less.
mkdir tree
head -c 300000 /dev/urandom >tree/secret
echo small >tree/small
serve
deliver blog tree >&3
finish
is 'an app' "$(got outcome)" deployed
base=$(hash_of "$MANIFEST")
serve
{
	push blog tree 'rebuild yes'
	tell_manifest
} >&3
finish
is 'to which nothing has to be sent again' "$(got files need-end) $(got outcome)" \
	' deployed'
serve
{
	push shop tree
	tell_manifest
} >&3
await need-end
is 'another app lacks all of it' "$(got files need-end)" 2
control abort >&3
finish
is 'and has nothing of it' \
	"$(find "$DEPLOYD_ROOT/shop" -type f -size +200k)" ''
serve
push shop tree "base $base" >&3
await send
is 'a manifest of another app is no base' "$(got what send)" full
control abort >&3
finish
serve
{
	push shop tree
	tell_manifest
	echo small | tell_files tree
} >&3
await need-end
control abort >&3
finish
ok 'a release of another app' test -e "$DEPLOYD_ROOT/blog/current/secret"
serve
{
	hello
	control ask 'verb fetch' 'app shop' "release $(live blog)"
} >&3
finish
is 'is no release of this one' "$(got status)" 4

# Whoever asks for very long waits no longer than may be.
serve
push blog tree 'rebuild yes' >&3
await live
exec 4>&3
holder=$PID
trace=$TRACE
TRACE=$TMP/.serve/trace2
serve
push blog tree 'rebuild yes' 'wait 9223372036854775807' >&3
await .note
like 'a wait of 2^63 - 1 seconds is one of a week' "$TRACE" 'up to 604800 s'
control abort >&4
exec 4>&-
wait "$holder"
await live
serve_end
like 'and ends when the other does' "$TRACE" '^> live'
TRACE=$trace

# Errors name the line, and do not show it.
cat >"$DEPLOYD_ROOT/blog/env" <<'END'
A=b
hunter2 is no variable
END
printf '[hooks]\nbuild = true\n' >tree/deploy.conf
fails 4 'variables that cannot be read' "$DEPLOY" local:blog tree
like 'are an error with its line' "$OUT" 'env:2: '
unlike 'of which nothing is shown' "$OUT" hunter2
printf 'A=b\nB="hunter2\n' >"$DEPLOYD_ROOT/blog/env"
fails 4 'a quote that is not closed' "$DEPLOY" local:blog tree
unlike 'is not shown either' "$OUT" hunter2
rm "$DEPLOYD_ROOT/blog/env"

# What cannot be read cannot be meant to allow anything.
mkdir conf
DEPLOYD_CONF=$TMP/conf
fails 4 'a deployd.conf that cannot be read' "$DEPLOY" local:blog tree
like 'is named' "$OUT" "$TMP/conf"
DEPLOYD_CONF=$TMP/deployd.conf

wait "$silent"
is 'a server that falls silent is given up' "$?" 6
like 'which is said' "$TMP/silence" 'deployd has said nothing for 30 s'
done_testing
