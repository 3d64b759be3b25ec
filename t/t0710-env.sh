#!/bin/sh
# env: variables come from standard input, a terminal or a file, go into the
# app's env file and nowhere else, and hooks see them to the byte.
# shellcheck disable=SC2016,SC1003 # signs that are meant as they are
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

pty=$BUILD/t/lib/pty-answer
json=$BUILD/t/lib/json-lines
file=$DEPLOYD_ROOT/blog/env
history=$DEPLOYD_ROOT/blog/.deployd/history

# give VALUE COMMAND...: with that on standard input.
give() {
	give_value=$1
	shift
	printf '%s' "$give_value" | "$@"
}

# Before the first deploy.
fails 4 'list of an app that is not there' "$DEPLOY" env list local:blog
fails 4 'unset of an app that is not there' "$DEPLOY" env unset local:blog A
ok 'neither makes it' [ ! -e "$DEPLOYD_ROOT/blog" ]
ok 'set before the first deploy' give 'first
' "$DEPLOY" env set local:blog DATABASE_URL
like 'says that the app is new' "$OUT" 'blog is a new app here'
like 'and what was set' "$OUT" '^set DATABASE_URL of local:blog$'
like 'and when it counts' "$OUT" 'with the first deploy'
is 'less the newline at the end' "$(cat "$file")" 'DATABASE_URL=first'
is 'only its owner may read it' "$(stat -c %a "$file")" 600
ok 'a name like another' give x "$DEPLOY" env set local:blogg A
like 'is told' "$OUT" "blogg is a new app here; this server has 'blog'"

mkdir app
cat >app/deploy.conf <<'END'
[remote "production"]
url = local:blog
[hooks]
build = for f in $NAMES; do printenv $f >seen.$f || echo none >seen.$f; done
END
cd app || exit 1
echo hello >page
ok 'its first deploy' "$DEPLOY"
is 'has it' "$(events blog)" 'env-set switching live '

# The remote of deploy.conf.
ok 'set without a target' give 'x y' "$DEPLOY" env set OTHER
like 'goes to the remote' "$file" '^OTHER="x y"$'
like 'a restart is needed' "$OUT" 'next restart: deploy restart production'
ok 'set with the name of a remote' give y "$DEPLOY" env set production OTHER
ok 'options stand anywhere' give y "$DEPLOY" -v env set -t production OTHER
like 'what is so already is told' "$OUT" 'nothing was changed'
ok 'list' "$DEPLOY" env list
is 'has the names' "$(cat "$OUT")" 'DATABASE_URL
OTHER'
ok 'list of a target' "$DEPLOY" env list local:blog
ok 'list --reveal' "$DEPLOY" env list --reveal
is 'has the values' "$(cat "$OUT")" 'DATABASE_URL=first
OTHER=y'
ok 'unset' "$DEPLOY" env unset OTHER NONE
like 'tells of what was not there' "$OUT" 'NONE was not set'
ok 'what is gone is gone' "$DEPLOY" env list
is 'and nothing else' "$(cat "$OUT")" 'DATABASE_URL'
ok 'unset once more is no failure' "$DEPLOY" env unset OTHER
is 'history has what changed' "$(awk '/env-/ { print $2, $6 }' "$history")" \
	'env-set DATABASE_URL
env-set OTHER
env-set OTHER
env-unset OTHER'

# Wrong usage.
for words in '' 'put A' 'set' 'unset' 'list A' 'import' 'import a b c' \
	'set 1A' 'set A-B' 'set --reveal A' 'list --reveal --json' \
	'set A nowhere:blog' '--dry-run set A' '--force set A'; do
	# shellcheck disable=SC2086 # words
	fails 2 "deploy env $words" "$DEPLOY" env $words
done
fails 2 'a value on the command line' "$DEPLOY" env set X=hunter:2
like 'is refused with what to do' "$OUT" 'deploy env set X asks for it'
unlike 'and not shown' "$OUT" 'hunter'
fails 2 'a value in the place of a name' "$DEPLOY" env set X 'hunter 2'
unlike 'is not shown' "$OUT" 'hunter'
fails 1 'nothing on standard input' "$DEPLOY" env set X
ok 'an empty line is an empty value' give '
' "$DEPLOY" env set EMPTY
like 'which is there' "$file" '^EMPTY=$'
fails 2 'several names and no terminal' give x "$DEPLOY" env set X Y
fails 1 'a NUL byte' sh -c "printf 'a\\0b' | '$DEPLOY' env set X"
fails 1 'a name of deployd' give x "$DEPLOY" env set DEPLOY_APP
fails 1 'a value that is no text' sh -c \
	"printf 'a\\377b' | '$DEPLOY' env set X"
head -c 70000 /dev/zero | tr '\0' x >large
fails 1 'a large value' sh -c "'$DEPLOY' env set X <large"
head -c 40000 large >half
ok 'half of that' sh -c "'$DEPLOY' env set X <half"
fails 4 'twice that' sh -c "'$DEPLOY' env set Y <half"
rm large half
ok 'away with it' "$DEPLOY" env unset X EMPTY
unlike 'nothing of those was set' "$file" '^[^D]'

# At a terminal.
ok 'values are asked for, one after the other' "$pty" \
	'ONE for local:blog (hidden): ' 'typed "one"' \
	'TWO for local:blog (hidden): ' '$two' \
	-- "$DEPLOY" env set ONE TWO
unlike 'and not shown' "$OUT" 'typed|\$two'
like 'the first is set' "$file" '^ONE="typed \\"one\\""$'
like 'and the second' "$file" '^TWO="\\\$two"$'
fails 1 'an empty answer sets nothing' "$pty" 'hidden): ' '' \
	-- "$DEPLOY" env set ONE
like 'which is said' "$OUT" 'nothing was typed for ONE'
cat >"$TMP/echo-is-on" <<END
"$DEPLOY" env set ONE
stty -a | grep -q ' echo ' && echo it is on
END
ok 'after an interrupt' "$pty" 'hidden): ' "$(printf '\003')" \
	-- sh -c "trap : INT; . '$TMP/echo-is-on'"
like 'it is said' "$OUT" 'interrupted; nothing was changed'
like 'and the echo is on again' "$OUT" 'it is on'
ok 'a value is shown to a terminal' sh -c \
	"printf 'a\\033[31mb' | '$DEPLOY' env set ESC &&
		'$pty' -- '$DEPLOY' env list --reveal"
like 'without obeying it' "$OUT" '^ESC="a.x1b\[31mb"'
ok 'gone' "$DEPLOY" env unset ESC ONE TWO

# Values that need care, as files.
mkdir "$TMP/v"
printf 'plain' >"$TMP/v/PLAIN"
printf '\n' >"$TMP/v/EMPTY"
printf '  blanks \t \n' >"$TMP/v/BLANKS"
printf 'two\nlines\n\n\n' >"$TMP/v/LINES"
printf "it's \"so\"" >"$TMP/v/QUOTES"
printf "'" >"$TMP/v/QUOTE"
printf '$HOME ${X} $(id) `id` $$' >"$TMP/v/DOLLARS"
printf '\\ \\n \\\\ \\"\\' >"$TMP/v/BACKSLASHES"
printf '# not a comment ; nor this' >"$TMP/v/HASH"
printf 'gr\303\274\303\237e \360\237\230\200' >"$TMP/v/UTF8"
printf 'a=b=c' >"$TMP/v/EQUALS"
printf 'cr\r\nlf\r' >"$TMP/v/CR"
printf '\001\033[31m\177\t' >"$TMP/v/CONTROL"
printf 'export A="1"\nB=2' >"$TMP/v/LIKE_A_FILE"
printf '!x *?[a] ~ %%s & | < > ( )' >"$TMP/v/SHELL_SIGNS"
names=$(cd "$TMP/v" && echo *)
for name in $names; do
	"$DEPLOY" -q env set "$name" <"$TMP/v/$name" || diag "$name failed"
done
ok 'NAMES' give "$names" "$DEPLOY" env set NAMES
echo again >page
ok 'a deploy with them' "$DEPLOY"
for name in $names; do
	{
		cat "$TMP/v/$name"
		# printenv puts a newline behind what less one was read.
		[ -z "$(tail -c 1 "$TMP/v/$name")" ] || echo
	} >"$TMP/want"
	ok "a hook sees $name to the byte" \
		cmp "$TMP/want" "$DEPLOYD_ROOT/blog/current/seen.$name"
done
"$DEPLOY" env list --reveal >"$TMP/revealed"
cat "$file" >"$TMP/before"
ok 'what --reveal prints' "$DEPLOY" env import local:copy "$TMP/revealed"
like 'is counted' "$OUT" '^set 17 variables of local:copy$'
ok 'and read back to the byte' cmp "$TMP/before" "$DEPLOYD_ROOT/copy/env"
ok 'a shell reads the file as well' env -i sh -c '
	. "$1"; printf "%s\n" "$DOLLARS" "$BACKSLASHES" "$LINES" >"$2/sh"
	cat "$2/v/DOLLARS" >"$2/want"; echo >>"$2/want"
	cat "$2/v/BACKSLASHES" >>"$2/want"; echo >>"$2/want"
	cat "$2/v/LINES" >>"$2/want"; cmp "$2/sh" "$2/want"' - "$file" "$TMP"

# A file written by hand.
cat >"$file" <<'END'
# What the app needs
  A = one   

export B=2
C='x
D=no variable
'
what is this
D="1"'2' 3\
4
E=it's "so" # here
A=last
END
printf 'F=x\r\n; end \\' >>"$file"
chmod 644 "$file"
cp "$file" "$TMP/hand"
ok 'list of it' "$DEPLOY" env list
is 'has what systemd reads' "$(grep -v : "$OUT" | tr '\n' ' ')" 'A C D E F '
like 'and says that hooks refuse it' "$OUT" "$file:4: expected NAME=value"
# What it has from its own system and from us differs by nothing else.
systemd=/usr/lib/systemd/user-environment-generators
systemd=$systemd/30-systemd-environment-d-generator
read_by_systemd() {
	rm -rf "$TMP/conf"
	mkdir -p "$TMP/conf/.config/environment.d"
	sed '/^what is\|^export/d' "$1" >"$TMP/conf/.config/environment.d/a.conf"
	env -i HOME="$TMP/conf" XDG_CONFIG_HOME="$TMP/conf/.config" "$systemd"
}
"$DEPLOY" env list --reveal >"$TMP/revealed"
if [ -x "$systemd" ]; then
	read_by_systemd "$TMP/hand" >"$TMP/one"
	read_by_systemd "$TMP/revealed" >"$TMP/two"
	like 'systemd reads it' "$TMP/one" '^D=1234$'
	ok 'and what we read of it as the same' cmp "$TMP/one" "$TMP/two"
else
	skip 'systemd reads it' 'it is not installed'
	skip 'and what we read of it as the same' 'it is not installed'
fi
ok 'set in it' give new "$DEPLOY" env set D
like 'tells that others could read it' "$OUT" 'mode 644'
sed -n '1,9p; /^E=/,$p' "$TMP/hand" | sed '8a D=new' | sed '/^D="1"/d' \
	>"$TMP/want"
ok 'changes that variable only' cmp "$TMP/want" "$file"
is 'and now nobody else can' "$(stat -c %a "$file")" 600
ok 'a new one' give new "$DEPLOY" env set G
is 'is not taken into a comment' "$(tail -n 1 "$file")" 'G=new'
printf "A='open\n" >"$file"
fails 4 'a file with an open quote is left alone' \
	give x "$DEPLOY" env set B
like 'which is told' "$OUT" "$file:1: a quote is not closed"
is 'nothing was written' "$(cat "$file")" "A='open"
rm "$file"
echo 'SECRET=other' >"$TMP/elsewhere"
ln -s "$TMP/elsewhere" "$file"
fails 4 'a symbolic link is not followed' give x "$DEPLOY" env set B
like 'which is said' "$OUT" 'env is a symbolic link'
fails 4 'not for reading either' "$DEPLOY" env list --reveal
rm "$file"
mkfifo "$file"
fails 4 'nor is a fifo read' timeout 20 "$DEPLOY" env list
rm "$file"
ok 'without the file' "$DEPLOY" env list
like 'there are no variables' "$OUT" 'has no variables'

# Import.
cat >"$TMP/dot.env" <<'END'
# a comment
A=1
export B="two words"
A=3
C=x # y
END
ok 'import of a file' "$DEPLOY" env import "$TMP/dot.env"
like 'says how many' "$OUT" '^set 3 variables of local:blog$'
like 'and what may not be meant' "$OUT" 'dot.env:5: .*#.* part of C'
is 'it is there' "$(cat "$file")" 'A=3
B="two words"
C="x # y"'
ok 'import from standard input' give 'B=4
D=5' "$DEPLOY" env import production -
is 'replaces and adds' "$(tr '\n' ' ' <"$file")" 'A=3 B=4 C="x # y" D=5 '
printf 'A=7\nwhat\n' >"$TMP/bad.env"
fails 1 'a file that is none' "$DEPLOY" env import "$TMP/bad.env"
like 'is told by line' "$OUT" 'bad.env:2: expected NAME=value'
fails 1 'a file without variables' "$DEPLOY" env import /dev/null
fails 1 'a file that is not there' "$DEPLOY" env import "$TMP/none"
fails 1 'names of deployd' give DEPLOY_APP=x "$DEPLOY" env import -
like 'nothing of those was set' "$file" '^A=3$'

# One line of history, however many.
awk 'BEGIN { for (i = 0; i < 300; i++) printf "SOME_LONG_NAME_%d=1\n", i }' \
	>"$TMP/many.env"
lines=$(wc -l <"$history")
ok 'import of many' "$DEPLOY" env import local:blog "$TMP/many.env"
is 'is one line' "$(($(wc -l <"$history") - lines))" 1
like 'with their number and the first' "$history" \
	'300.x20variables:.x20SOME_LONG_NAME_0.x20.*\.\.\.$'
ok 'which is short' test "$(tail -n 1 "$history" | wc -c)" -lt 600
cp "$file" "$TMP/all"
grep -v SOME_LONG_NAME "$TMP/all" >"$file"

# Two at once.
for i in 0 1 2 3 4 5 6 7 8 9; do
	give "value $i" "$DEPLOY" -q env set local:many "V$i" &
	pids="${pids:-} $!"
done
for pid in $pids; do
	wait "$pid" || diag 'one failed'
done
is 'ten at once lose nothing' "$("$DEPLOY" env list local:many | sort |
	tr '\n' ' ')" 'V0 V1 V2 V3 V4 V5 V6 V7 V8 V9 '
is 'and leave nothing behind' "$(cd "$DEPLOYD_ROOT/many" && echo *)" \
	'env releases shared'

# One that died while it wrote.
echo SECRET=half >"$DEPLOYD_ROOT/many/env.12345.tmp"
ok 'a deploy of that app' "$DEPLOY" local:many
is 'takes away what is left of a set that died' \
	"$(cd "$DEPLOYD_ROOT/many" && echo *)" 'current env releases shared'

# Where a value may not be: on its way, and afterwards.
printf 'hunter2hunter2' >"$TMP/.tap/value"
{
	echo hunter2hunter2
	head -c 3000 /dev/urandom | base64
} >"$TMP/.tap/secret"
cat >"$TMP/slow" <<END
#!/bin/sh
DEPLOY_TRACE=$TMP/trace.deployd
export DEPLOY_TRACE
exec "$BUILD/t/lib/slowlink" -r 10 "$DEPLOYD" "\$@"
END
chmod 755 "$TMP/slow"
DEPLOY_TRACE=$TMP/trace.deploy "$DEPLOY" -vv --deployd="$TMP/slow" env set \
	local:blog SECRET <"$TMP/.tap/secret" >"$TMP/said" 2>&1 &
PID=$!
reap "$PID"
tries=0
: >"$TMP/seen"
while kill -0 "$PID" 2>/dev/null && [ "$tries" -lt 300 ]; do
	cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null |
		tr '\0' '\n' >>"$TMP/seen"
	tries=$((tries + 1))
	sleep 0.1
done
wait "$PID"
is 'a slow set' $? 0
like 'deployd was seen' "$TMP/seen" "^$DEPLOYD\$"
like 'and deploy, with the name' "$TMP/seen" '^SECRET$'
unlike 'the value is in no command line and no environment' "$TMP/seen" hunter2
unlike 'nor in what is said' "$TMP/said" hunter2
like 'the traces have the frames' "$TMP/trace.deploy" '^> input '
unlike 'but not the value' "$TMP/trace.deploy" hunter2
like 'nor has it the other' "$TMP/trace.deployd" '^< input '
unlike 'which was sent' "$TMP/trace.deployd" hunter2
DEPLOY_TRACE=$TMP/trace.list "$DEPLOY" env list --reveal >"$TMP/.tap/listed"
like 'it is listed' "$TMP/.tap/listed" hunter2
like 'in frames' "$TMP/trace.list" '^< variable '
unlike 'that are not traced' "$TMP/trace.list" hunter2
is 'the env file alone has it' \
	"$(grep -rlaF -f "$TMP/.tap/value" "$TMP" --exclude-dir=.tap)" "$file"
"$DEPLOY" --json env list >"$TMP/events"
is '--json has names' "$(grep '"variable"' "$TMP/events" | "$json" name |
	tr '\n' ' ')" 'A B C D SECRET '
give x "$DEPLOY" --json env set NEW >"$TMP/events" 2>/dev/null
is 'and what was done' "$(grep '"variable"' "$TMP/events" | "$json" change)" set
is 'as every verb' "$(tail -n 1 "$TMP/events" | "$json" status)" 0
like 'and the target'\''s result' "$TMP/events" '"event":"target-result"'
give x "$DEPLOY" env set NEW --json >"$TMP/events" 2>/dev/null
like 'same, if it was' "$TMP/events" '"outcome":"same"'

# Two targets.
ok 'two targets' give both "$DEPLOY" env set -t local:blog -t local:many BOTH
like 'the first' "$file" '^BOTH=both$'
like 'the second' "$DEPLOYD_ROOT/many/env" '^BOTH=both$'
mv "$DEPLOYD_ROOT/blogg/env" "$DEPLOYD_ROOT/blogg/other"
ln -s other "$DEPLOYD_ROOT/blogg/env"
fails 10 'one of which fails' give both "$DEPLOY" env set -t local:blog \
	-t local:blogg BOTH
like 'by name' "$OUT" 'local:blogg: .*symbolic link'

# Keys that may do less.
limited() {
	printf '#!/bin/sh\nexec "%s" "$@" --allow %s --as ann\n' "$DEPLOYD" \
		"$1" >"$TMP/limited"
	chmod 755 "$TMP/limited"
	shift
	"$DEPLOY" --deployd="$TMP/limited" "$@"
}
ok '--allow env may set' give x limited env env set BY_ANN
like 'as who it is' "$history" 'env-set - - ann BY_ANN$'
ok 'and list' limited env env list
ok 'and unset' limited env env unset BY_ANN
fails 4 'but not read' limited env env list --reveal
unlike 'nothing of it' "$OUT" hunter
ok '--allow secrets may read' limited secrets env list --reveal
fails 4 'but not set' give x limited secrets env set X
fails 4 '--allow deploy may not list' limited deploy env list
for word in set unset; do
	{
		hello
		control ask 'verb env' 'app blog' 'reveal yes'
	} >request
	printf '%s\0X\0' "$word" >words
	serve --allow secrets
	cat request >&3
	frame words words >&3
	await result
	is "a stranger's client gets no further: $word" "$(got status)" 4
	serve_end
done
{
	hello
	control ask 'verb env' 'app blog'
} >request
printf 'set\0' >words
for input in 'X=1' '=1\0' '1X=2\0' 'DEPLOY_APP=2\0' 'X=\377\0' '\0'; do
	serve
	cat request >&3
	frame words words >&3
	# shellcheck disable=SC2059 # escapes
	printf "$input" >input
	frame input input >&3
	control input-end >&3
	await result
	like "nor with $input" "$(got status)" '^[46]$'
	serve_end
done
ok 'nothing came of it' "$DEPLOY" env list
unlike 'at all' "$OUT" '^X$|DEPLOY'

# A rollback.
ok 'rollback' "$DEPLOY" rollback
like 'says that env stays' "$OUT" 'env file'
like 'and it does' "$file" '^NEW=x$'

done_testing
