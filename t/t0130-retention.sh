#!/bin/sh
# shellcheck disable=SC2119 # what serve takes are options of deployd
# What the admin does on the server, what retention drops and spares, and a
# disk that is full.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/serve.sh"

command -v zstd >/dev/null || skip_all 'there is no zstd'
own=$DEPLOYD_ROOT/blog/.deployd
mkdir app
n=0

deploy() {
	n=$((n + 1))
	echo $n >app/version
	serve
	{
		push blog app "$@"
		tell_manifest
		echo version | tell_files app
	} >&3
	finish
}
releases() {
	find "$DEPLOYD_ROOT/blog/releases" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		LC_ALL=C sort
}
has() {
	test -d "$DEPLOYD_ROOT/blog/releases/$1"
}
# set_key ID KEY VALUE: in a record.
set_key() {
	{
		grep -v "^$2 " "$own/records/$1"
		echo "$2 $3"
	} >"$TMP/record"
	cat "$TMP/record" >"$own/records/$1"
}

# The admin's verbs.
fails 4 'status of an app that is not there' "$DEPLOYD" status blog
fails 2 'no verb' "$DEPLOYD" wibble blog
fails 2 'no app' "$DEPLOYD" status
fails 2 'no name of an app' "$DEPLOYD" status ../blog
fails 2 'too many words' "$DEPLOYD" releases blog more
like 'names what is too much' "$OUT" "not 'more'"
fails 2 'for status as well' "$DEPLOYD" status blog more
fails 2 'and for rollback' "$DEPLOYD" rollback blog one more
like 'the usage has what it takes' "$OUT" 'rollback APP \[RELEASE\]$'
fails 2 'only --serve is limited' "$DEPLOYD" --app blog status blog
fails 2 'or is somebody' "$DEPLOYD" --as ann status blog
ok 'nothing was made by asking' test ! -e "$DEPLOYD_ROOT"

deploy
first=$(live blog)
deploy 'git-subject Some	work' "user tester$(printf '\033c')"
second=$(live blog)
ok 'status' "$DEPLOYD" status blog
like 'what is live' "$OUT" "^live +$second"
like 'what a rollback would go to' "$OUT" "^previous +$first"
like 'how many there are' "$OUT" '^releases +2$'
ok 'releases' "$DEPLOYD" releases blog
is 'newest first, the live one marked' "$(awk '{ print $1, $2 }' "$OUT" | tr '\n' ' ')" \
	"* $second $first kept "
like 'and who' "$OUT" 'tester'
like 'what a client claims is escaped' "$OUT" 'Some\\x09work'
like 'and who it says it is' "$OUT" 'tester\\x1bc'
cp "$own/records/$second" "$TMP/kept"
sed -i /^checked/d "$own/records/$second"
printf 'reason it said \033]0;x\007\n' >>"$own/records/$second"
ok 'status of one that is not checked' "$DEPLOYD" status blog
like 'says why, escaped' "$OUT" 'unchecked +it said \\x1b\]0;x\\x07$'
cat "$TMP/kept" >"$own/records/$second"
ok 'rollback' "$DEPLOYD" rollback blog
is 'goes back' "$(live blog)" "$first"
like 'as whom it was' "$own/history" " rollback $first $second $(id -un) "
fails 4 'once more there is nothing to go to' "$DEPLOYD" rollback blog
like 'which is said' "$OUT" 'no release to roll back to'
ok 'a release may be named by its tree' "$DEPLOYD" rollback blog "${second#*-}"
is 'and is live' "$(live blog)" "$second"
ok 'the live one is live already' "$DEPLOYD" rollback blog "$second"
like 'which is said' "$OUT" "$second is live already"
fails 4 'an unknown one neither' "$DEPLOYD" rollback blog 19990101
like 'and what there is is listed' "$OUT" "there are: .*$first"
ok 'another root' "$DEPLOYD" --root "$DEPLOYD_ROOT" status blog
fails 4 'has other apps' "$DEPLOYD" --root="$TMP/none" status blog

# Retention.
printf '[deployd]\nkeep = 2\n' >"$DEPLOYD_CONF"
deploy
third=$(live blog)
is 'of those that went live two stay' "$(releases | tr '\n' ' ')" "$second $third "
fails 1 'the first is gone' has "$first"
set_key "$second" pinned yes
ok 'what was dropped is in no list' "$DEPLOYD" releases blog
is 'of the admin' "$(awk '{ print $(NF - 2) }' "$OUT" | wc -l)" 2
unlike 'nor by name' "$OUT" "$first"
ok 'the client' "$DEPLOY" releases local:blog
unlike 'is not told of it either' "$OUT" "$first"
ok 'but its record is kept' test -e "$own/records/$first"
printf '[hooks]\nbuild = false\n' >"$SETTINGS"
deploy 'hooks 1'
failed=$(got release)
printf '[hooks]\ncheck = false\ncheck_timeout = 1\n' >"$SETTINGS"
deploy 'hooks 1'
reverted=$(got release)
: >"$SETTINGS"
ok 'what failed' "$DEPLOYD" releases blog
like 'is listed' "$OUT" "$failed  failed"
like 'and what was reverted' "$OUT" "$reverted  reverted"
ok 'by the client too' "$DEPLOY" releases local:blog
like 'what failed' "$OUT" "$failed  failed"
like 'and what was reverted' "$OUT" "$reverted  reverted"
deploy 'then build'
built=$(got release)
is 'a build alone' "$(got outcome)" built
deploy
deploy
sixth=$(live blog)
ok 'a pinned one stays' has "$second"
fails 1 'another does not' has "$third"
ok 'one that was never live stays' has "$built"
(cd "$DEPLOYD_ROOT/blog/current" && exec sleep 65) &
user=$!
reap $user
deploy
deploy
deploy
ok 'one that a process is in stays' has "$sixth"
kill $user
wait $user 2>/dev/null
set_key "$built" created $(($(date +%s) - 7 * 24 * 3600 - 10))
ok 'prune' "$DEPLOYD" prune blog
like 'drops what no process is in any more' "$OUT" "dropped $sixth"
like 'and what was not activated for a week' "$OUT" "dropped $built"
fails 1 'both are gone' has "$sixth"
is 'three are left' "$(releases | wc -l)" 3
i=0
until [ -z "$(ls "$own/trash")" ] || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
is 'nothing stays in trash/' "$(ls "$own/trash")" ''
ok 'a pinned one can still be rolled back to' "$DEPLOYD" rollback blog "$second"
ok 'through a link as well' sh -c "ln -s '$DEPLOYD_ROOT' '$TMP/linked' && '$DEPLOYD' --root '$TMP/linked' status blog"
deploy
(cd "$DEPLOYD_ROOT/blog/current" && exec sleep 66) &
user=$!
reap $user
used=$(live blog)
deploy
deploy
deploy
ok 'where root is a link' "$DEPLOYD" --root "$TMP/linked" prune blog
ok 'processes are seen too' has "$used"
kill $user
is 'the predecessor stays' "$("$DEPLOYD" status blog | awk '$1 == "previous" { print $2 }' | while read -r id; do has "$id" && echo there; done)" there

# Records and manifests.
: >"$own/manifests/$(printf %064d 1)"
i=0
while [ $i -lt 60 ]; do
	i=$((i + 1))
	id=$(printf '201901%02dT0000%02dZ-00000000' $((i % 28 + 1)) $i)
	printf 'id %s\ntree x\nsettings x\nmanifest x\nstate failed\n' "$id" \
		>"$own/records/$id"
	: >"$own/logs/$id"
done
touch "$own/built.1.tmp" "$own/records/x.1.tmp" "$DEPLOYD_ROOT/blog/current.1.tmp"
ok 'prune again' "$DEPLOYD" prune blog
is 'what a crash left half written goes' "$(find "$DEPLOYD_ROOT/blog" -name '*.tmp')" ''
is 'fifty records stay' "$(find "$own/records" -name '*-????????' | wc -l)" 50
fails 1 'logs of others go' test -e "$own/logs/$id"
fails 1 'manifests that nobody names too' test -e "$own/manifests/$(printf %064d 1)"
ok 'those of releases stay' test -e "$own/manifests/$(sed -n 's/^manifest //p' "$own/records/$(live blog)")"

is 'standard error was silent' "$(cat "$ERRORS")" ''
done_testing
