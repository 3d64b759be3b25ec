#!/bin/sh
# What a crash may leave half done: the next deploy makes it whole.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_need
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
at_server() {
	faulty "$@"
	"$DEPLOY" --deployd="$TMP/faulty" local:blog app
}

# What the tree holds seeds shared/ once: all of it, or nothing.
mkdir -p app/storage/deep
for name in 1 2 deep/3 deep/4; do
	echo "seed $name" >"app/storage/$name"
done
echo page >app/page
printf '[app]\nshared = storage/\n' >app/deploy.conf
# seeded NAME FAULT...: cut off so, the next deploy seeds all.
seeded() {
	seeded_name=$1
	shift
	rm -rf "$APP"
	at_server "$@" >"$TMP/said" 2>&1
	seeded_status=$?
	faults_settle
	settle
	is "$seeded_name: it is cut off" "$((seeded_status != 0)) $(faults_hit | cut -d ' ' -f 3)" '1 deployd'
	fails 1 'nothing is shared by halves' test -e "$APP/shared/storage"
	ok 'the next deploy' "$DEPLOY" local:blog app
	is 'has all of it' "$(diff -r app/storage "$APP/shared/storage")" ''
	is 'and leaves no trace' "$(find "$OWN" -name 'seed*')" ''
}
for n in 1 2 3 4; do
	seeded "killed at copy $n" -c copy_file_range -n $n -a kill -f "$OWN/seed"
done
seeded 'killed before it is moved' -c syncfs -n 1 -a kill -f "$OWN/seed"
seeded 'a full disk' -c copy_file_range -n 3 -a ENOSPC -f "$OWN/seed"
like 'which is said' "$TMP/said" 'No space left'
seeded 'a disk that fails' -c syncfs -n 1 -a EIO -f "$OWN/seed"

# A release that failed, or was announced and never live, is next/ again.
rm app/deploy.conf
echo more >app/page
ok 'a deploy' "$DEPLOY" --force local:blog app
live=$(live blog)
left=20200101T000000Z-${live#*-}
# leave STATE: a release of that state.
leave() {
	rm -rf "$OWN/next" "$OWN/next.index"
	cp -a "$APP/releases/$live" "$APP/releases/$left"
	sed "s/^id .*/id $left/; s/^state .*/state $1/; /^went-live/d" \
		"$OWN/records/$live" >"$OWN/records/$left"
	echo "$1" >app/page
	ok "beside one that is $1, a deploy" "$DEPLOY" local:blog app
}
leave failed
fails 1 'makes use of it' test -e "$APP/releases/$left"
printf '%s switching %s %s ann -\n' "$(date +%s)" "$left" "$live" >>"$OWN/history"
leave staged
like 'undoes a switch that was only announced' "$OWN/history" " reverted $left "
fails 1 'and makes use of it' test -e "$APP/releases/$left"
leave built
ok 'leaves it alone' test -e "$APP/releases/$left"

# A draft of who was killed at next/, where nobody prepares it any more, nor
# is there trash.
settle
printf '[deployd]\nspare = no\nkeep = 100\n' >"$DEPLOYD_CONF"
: >"$OWN/next.index.12345.tmp"
echo 'behind a draft' >app/page
ok 'a deploy behind a draft' "$DEPLOY" local:blog app
settle
is 'removes it' "$(find "$OWN" -name 'next.*.tmp')" ''

# An archive that was being written when its app was to be removed.
mkdir -p "$DEPLOYD_ROOT/.removed"
echo half >"$DEPLOYD_ROOT/.removed/blog.tmp"
ok 'fsck' "$DEPLOYD" fsck blog
like 'removes it' "$OUT" '\.removed/blog\.tmp: left over \(repaired: removed\)'
fails 1 'it is gone' test -e "$DEPLOYD_ROOT/.removed/blog.tmp"
done_testing
