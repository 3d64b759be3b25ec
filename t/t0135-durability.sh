#!/bin/sh
# durability = full: what is switched to is on disk; relaxed: nothing waits.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
printf '[deployd]\ndurability = some\n' >"$DEPLOYD_CONF"
fails 4 'an unknown durability' "$DEPLOY" local:blog app
like 'is named' "$OUT" 'durability is full or relaxed'
: >"$DEPLOYD_CONF"

command -v strace >/dev/null || skip_all 'there is no strace'
strace -o "$TMP/trace" true 2>/dev/null || skip_all 'strace may not trace'
ignore_leaks
cat >"$TMP/traced" <<END
#!/bin/sh
exec strace -f -y -o "$TMP/trace" -e trace=fsync,fdatasync,syncfs,renameat,renameat2 \\
	"$DEPLOYD" "\$@"
END
chmod 755 "$TMP/traced"
# line PATTERN: of its first occurrence in the trace.
line() {
	grep -nE "$1" "$TMP/trace" | head -n 1 | cut -d : -f 1
}
# before NAME PATTERN PATTERN: both occur, in this order.
before() {
	before_a=$(line "$2")
	before_b=$(line "$3")
	ok "$1" test "${before_a:-0}" -gt 0 -a "${before_a:-0}" -lt "${before_b:-0}"
}

ok 'a first deploy' "$DEPLOY" --deployd="$TMP/traced" local:blog app
echo edited >app/src/two
ok 'an edit' "$DEPLOY" --deployd="$TMP/traced" local:blog app
commit='renameat2?\(.*"next".*[/"]releases'
before 'the file is on disk' 'fsync\([0-9]+</.*/src/two>' "$commit"
before 'and its directory' 'fsync\([0-9]+</.*/next/src>' "$commit"
before 'and that of the release' 'fsync\([0-9]+</.*/next>' "$commit"
before 'and the record' 'fsync\([0-9]+</.*/records/[^>]*-[0-9a-f]{8}\.' "$commit"
before 'with its name' 'fsync\([0-9]+</.*/records>' "$commit"
before 'before there is a release' "$commit" 'fsync\([0-9]+</.*/releases>'
before 'which is on disk' 'fsync\([0-9]+</.*/releases>' 'fsync\([0-9]+</.*/history>'
before 'when the switch is announced' 'fsync\([0-9]+</.*/history>' 'renameat.*"current"'
before 'and made' 'renameat.*"current"' 'fsync\([0-9]+</.*/blog>'
same_tree 'it is what was sent' app blog

set_variable() {
	echo value | "$DEPLOY" env set -t local:blog --deployd="$TMP/traced" NAME
}
ok 'a variable' set_variable
before 'its file is on disk' 'fsync\([0-9]+</.*/blog/env\.' 'renameat.*"env"'
before 'and its place' 'renameat.*"env"' 'fsync\([0-9]+</.*/blog>'
mkdir -m 700 "$HOME/.ssh"
: >"$HOME/.ssh/authorized_keys"
key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI$(printf '%043d' 0 | tr 0 A) bob@work"
echo "$key" >"$TMP/key"
ok 'a key' "$TMP/traced" authorize "$TMP/key" --app blog --allow deploy --as bob
before 'its file is on disk, too' 'fsync\([0-9]+</.*/authorized_keys\.' \
	'renameat.*"authorized_keys"'
before 'and the directory of that' 'renameat.*"authorized_keys"' \
	'fsync\([0-9]+</.*/\.ssh>'

printf '[deployd]\ndurability = relaxed\n' >"$DEPLOYD_CONF"
echo again >app/src/two
ok 'relaxed' "$DEPLOY" --deployd="$TMP/traced" local:blog app
unlike 'nothing is waited for' "$TMP/trace" 'sync'
like 'and each file of its own is replaced whole' "$TMP/trace" \
	'renameat.*records.*\.tmp'
same_tree 'it is what was sent all the same' app blog
ok 'a rollback' "$DEPLOY" --deployd="$TMP/traced" rollback local:blog
unlike 'does not wait either' "$TMP/trace" 'sync'

# Back to full: what was not waited for is now, once.
settle
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
ok 'full again, and nothing new' "$DEPLOY" --deployd="$TMP/traced" rollback local:blog
before 'what was deployed before is on disk' 'syncfs' 'renameat.*"current"'
echo full >app/src/two
ok 'an edit' "$DEPLOY" --deployd="$TMP/traced" local:blog app
before 'is preceded by that' 'syncfs' "$commit"
echo more >app/src/two
ok 'another' "$DEPLOY" --deployd="$TMP/traced" local:blog app
unlike 'is not' "$TMP/trace" 'syncfs'
same_tree 'it is what was sent' app blog


# A switch that was not waited for is settled as well.
printf '[deployd]\nspare = no\ndurability = relaxed\n' >"$DEPLOYD_CONF"
ok 'a rollback that waits for nothing' "$DEPLOY" rollback local:blog
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
ok 'and one back, in full' "$DEPLOY" --deployd="$TMP/traced" rollback local:blog
before 'before which that is on disk' 'syncfs' 'renameat.*"current"'

done_testing
