#!/bin/sh
# Records and histories that are damaged: what there is besides is told all
# the same, and what is of no use any more can be got rid of.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\nkeep = 3\n' >"$DEPLOYD_CONF"
app=$DEPLOYD_ROOT/blog
own=$app/.deployd
make_tree app
# release N: deploys another tree, which is live then.
release() {
	echo "$1" >app/one
	"$DEPLOY" local:blog app
}
fsck() {
	"$DEPLOYD" fsck "$@" 2>"$TMP/said"
}
ok 'a release' release 1
first=$(live blog)
ok 'a second' release 2
second=$(live blog)
ok 'a third' release 3
third=$(live blog)
rm -rf kept
cp -a "$app" kept
restore() {
	rm -rf "$app"
	cp -a kept "$app"
}

# listed NAME STATUS [COMMAND...]: all three are listed.
damaged_list() {
	fails 4 "$1: releases" "$DEPLOY" releases local:blog
	like 'lists what is live' "$OUT" "^[*] $third  "
	like 'the older one' "$OUT" "^  $first  kept "
	like 'and the damaged one, as such' "$OUT" "^  $second  damaged .*$2"
	like 'with what to do' "$OUT" 'deploy fsck'
	fails 4 'by the admin' "$DEPLOYD" releases blog
	like 'too' "$OUT" "^[*] $third  live "
	like 'all' "$OUT" "^  $first  kept "
	like 'of them' "$OUT" "^  $second  damaged .*$2"
	fails 4 'as events' "$DEPLOY" --json releases local:blog
	like 'of which one says so' "$OUT" "\"id\":\"$second\",.*\"state\":\"damaged\".*\"reason\":\".*$2"
	like 'and others not' "$OUT" "\"id\":\"$first\",.*\"state\":\"live\""
}
truncate -s 100 "$own/records/$second"
damaged_list 'a damaged record' 'it is damaged'
fails 4 'a rollback to it' "$DEPLOY" rollback local:blog
like 'is told why' "$OUT" "the record of $second"
like 'and what to do' "$OUT" 'deploy releases'
is 'nothing was switched' "$(live blog)" "$third"
ok 'one behind it works' "$DEPLOY" rollback local:blog "$first"
restore
rm "$own/records/$second"
damaged_list 'a record that is gone' 'No such file'

# What is live has none.
restore
truncate -s 100 "$own/records/$third"
fails 4 'status of a live one with a damaged record' "$DEPLOY" status local:blog
like 'says what is live' "$OUT" "live .*$third"
like 'and the rest' "$OUT" 'releases  3'
like 'why' "$OUT" "the record of $third"
fails 4 'by the admin too' "$DEPLOYD" status blog
like 'with the rest' "$OUT" '^free '
fails 4 'releases' "$DEPLOY" releases local:blog
like 'lists it' "$OUT" "^[*] $third  damaged "
like 'and the others' "$OUT" "^  $first  kept "
rm "$own/records/"*
fails 4 'without any record' "$DEPLOY" releases local:blog
like 'the directories are listed' "$OUT" "^  $first  damaged "

# Getting rid of them.
restore
truncate -s 100 "$own/records/$first"
rm "$own/records/$second"
fails 1 'fsck' fsck blog
like 'tells of it' "$OUT" "releases/$second: has no record \\(left: .*deploy prune drops it"
like 'with what helps' "$OUT" "records/$first: .* \\(left: .*deploy prune drops its release"
ok 'a dry run of prune' "$DEPLOY" prune -n local:blog
like 'names it' "$OUT" "$first"
ok 'prune' "$DEPLOYD" prune blog
like 'drops them' "$OUT" "dropped $first"
like 'both' "$OUT" "dropped $second"
settle
ok 'then nothing is wrong' fsck blog
ok 'nor is anything hidden' "$DEPLOY" releases local:blog
restore
truncate -s 100 "$own/records/$first"
for n in 4 5; do
	ok "deploy $n" release $n
done
settle
fails 1 'deploys get rid of it in their time' test -e "$app/releases/$first"
ok 'and fsck is content' fsck blog
restore
rm "$own/records/"*
ok 'where all are lost' release 4
settle
ok 'a deploy takes none of them away' test -d "$app/releases/$first" -a -d "$app/releases/$third"
restore
truncate -s 100 "$own/records/$third"
fails 1 'that of what is live' fsck blog
like 'is told' "$OUT" "records/$third: .*\\(left: deploy again"
ok 'prune leaves it' "$DEPLOYD" prune blog
is 'alone' "$(live blog)" "$third"

# The link.
restore
rm "$app/current"
fails 4 'status without the link' "$DEPLOY" status local:blog
like 'says that nothing is live' "$OUT" 'live      nothing'
like 'and the rest' "$OUT" 'releases  3'
like 'what was' "$OUT" "current is gone, though $third was live"
like 'and what makes it again' "$OUT" 'deploy fsck'
fails 4 'the admin is told' "$DEPLOYD" status blog
like 'too' "$OUT" "current is gone, though $third was live"
ok 'a dry run of a deploy' "$DEPLOY" -n local:blog app
unlike 'takes it for no new app' "$OUT" 'is a new app'
like 'and tells' "$OUT" "current is gone, though $third was live; .*deploy fsck"
fails 4 'releases are listed' "$DEPLOY" releases local:blog
like 'all of them' "$OUT" "^  $first  kept "
ok 'fsck makes it' fsck blog
is 'again' "$(live blog)" "$third"
ok 'and all is well' "$DEPLOY" status local:blog

ln -sfn /etc "$app/current"
for verb in status releases; do
	fails 4 "a link elsewhere: $verb" "$DEPLOY" "$verb" local:blog
	like 'answers' "$OUT" "$first|releases  3"
	like 'and says what is wrong' "$OUT" "current is not deployd's own link"
	like 'and what to do' "$OUT" 'move it away on the server, then: deployd fsck blog'
	fails 4 'the admin' "$DEPLOYD" "$verb" blog
	like 'too' "$OUT" 'then: deployd fsck blog'
done
ok 'its log' "$DEPLOY" log local:blog
rm "$app/current"
ok 'what was said' fsck blog
is 'helps' "$(live blog)" "$third"

rm -rf "${app:?}/releases/$third"
fails 4 'a link that leads nowhere: status' "$DEPLOY" status local:blog
like 'has all of an answer' "$OUT" "live .*$third"
like 'to the end' "$OUT" 'releases  2'
like 'and what is wrong' "$OUT" "current leads to $third, which is not there"
like 'and what to do' "$OUT" 'deploy again, or: deploy rollback'
fails 4 'releases' "$DEPLOY" releases local:blog
like 'too' "$OUT" "^  $first  kept "
ok 'what was said' "$DEPLOY" rollback local:blog
is 'helps' "$(live blog)" "$second"
restore
rm -rf "${app:?}/releases/$third" "$own/records/$third"
fails 4 'also without a record' "$DEPLOY" status local:blog
like 'it has all' "$OUT" 'releases  2'
# The history.
restore
ok 'another' release 4
fourth=$(live blog)
ok 'one that is gone back from' "$DEPLOY" rollback local:blog
settle
rm -rf kept
cp -a "$app" kept
# goes_back: to what was live before what is.
goes_back() {
	ok "$1" "$DEPLOY" rollback local:blog
	is 'to what was live before' "$(live blog)" "$second"
}
goes_back 'a rollback'
restore
rm "$own/history"
fails 4 'a rollback without a history' "$DEPLOY" rollback local:blog
like 'is told why' "$OUT" 'the history does not tell what was live before'
like 'and what to do' "$OUT" 'name the release: .*deploy fsck adds'
fails 1 'fsck, in a dry run' fsck -n blog
like 'tells it once' "$OUT" "^blog: .deployd/history: lacks what was live: .*$second.* \\(can be repaired: written from their records\\)"
is 'and no more' "$(wc -l <"$OUT")" 1
fails 1 'and does nothing' test -e "$own/history"
ok 'else' fsck blog
like 'it is written' "$OUT" "(.*$fourth.*|.*$third.*) \\(repaired: written from their records\\)"
is 'for its owner' "$(stat -c %a "$own/history")" 600
ok 'so nothing is wrong' fsck blog
goes_back 'a rollback then goes'
restore
# Its middle is lost.
awk -v id="$second" '$3 != id' kept/.deployd/history >"$own/history"
ok 'a history that lacks some' fsck blog
like 'has these again' "$OUT" "lacks what was live: $second \\(repaired"
is 'once' "$(grep -c " live $second " "$own/history")" 1
goes_back 'and a rollback goes'
restore
rm "$own/history" "$app/current"
ok 'without the link as well' fsck blog
is 'what was live is' "$(live blog)" "$third"
restore
rm "$own/history" "$own/records/"*
ok 'without records nothing is known' test "$(fsck blog | grep -c history)" -eq 0
restore
rm -rf "$app"
ok 'a new one' release 1
fails 4 'with one release' "$DEPLOY" rollback local:blog
like 'there is none' "$OUT" 'no release to roll back to: none that is there was live before'
done_testing
