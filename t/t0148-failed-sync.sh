#!/bin/sh
# A sync that failed is not tried again: what it was about is thrown away and
# comes anew.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

faults_need
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
at_server() {
	faulty "$@"
	"$DEPLOY" -v --deployd="$TMP/faulty" local:blog app
}
# failing NAME HIT FAULT...: the deploy of a new app/one.
failing() {
	failing_name=$1
	failing_hit=$2
	shift 2
	n=$((n + 1))
	echo "edit $n" >app/one
	fails 6 "$failing_name" at_server -n 1 "$@"
	cp "$OUT" "$TMP/said"
	faults_settle
	is 'it is that call' "$(faults_hit)" "$failing_hit of deployd"
	like 'why is said' "$TMP/said" 'cannot sync .*: Input/output error'
	like 'and what to do' "$TMP/said" "the server's disk fails: see its kernel's log"
	settle
	is 'what was live is' "$(readlink "$APP/current")" "$live"
	is 'nothing that was not written is left' "$(find "$OWN" "$APP/releases" \
		-type f -size -9 -exec grep -l "edit $n" {} +)" ''
	is 'nor of what came' "$(ls "$OWN/tmp")" ''
	is 'nor a release of it' "$(cd "$APP/releases" && echo *)" "$releases"
	ok 'the next deploy' "$DEPLOY" -v local:blog app
	like 'sends it again' "$OUT" 'needs [1-9][0-9]* files'
	same_tree 'and is whole' app blog
	ok 'nothing is wrong with it' "$DEPLOYD" fsck blog
	begin
}
begin() {
	live=$(readlink "$APP/current")
	releases=$(cd "$APP/releases" && echo *)
}

make_tree app
n=0
ok 'a deploy' "$DEPLOY" local:blog app
begin
failing 'a file of the tree cannot be synced' fsync -c fsync -a EIO -f "$OWN/next"
head -c 4000000 /dev/urandom >app/large
ok 'a large file' "$DEPLOY" local:blog app
begin
printf edited | dd of=app/large bs=1 seek=2000000 conv=notrunc 2>/dev/null
failing 'one of which a piece came cannot be' fsync -c fsync -a EIO -f "$OWN/next"
mkdir app/many
i=0
while [ $i -lt 300 ]; do
	i=$((i + 1))
	echo "file $i" >app/many/$i
done
# Others may have been told of what failed before next/ was opened.
faulty -n 1 -c syncfs -a EIO -f "$OWN/next"
ok 'many at once' "$DEPLOY" --deployd="$TMP/faulty" local:blog app
faults_settle
is 'are synced by what was open before they came' "$(faults_hit)" ''
begin
i=0
while [ $i -lt 300 ]; do
	i=$((i + 1))
	echo "other $i" >app/many/$i
done
failing 'nor can many at once' syncfs -c syncfs -a EIO
printf '[hooks]\nbuild = true\n' >app/deploy.conf
ok 'with a build' "$DEPLOY" local:blog app
begin
failing 'what it made cannot be' syncfs -c syncfs -a EIO

# One that was built before, and is migrated now.
printf '[hooks]\nbuild = true\nmigrate = true\n' >app/deploy.conf
echo built >app/one
ok 'one that is only built' "$DEPLOY" --no-activate local:blog app
built=$(cd "$APP/releases" && echo * | sed 's/.* //')
faulty -n 1 -c syncfs -a EIO
fails 6 'what migrate wrote cannot be' "$DEPLOY" activate --deployd="$TMP/faulty" local:blog "$built"
faults_settle
is 'it is that call, too' "$(faults_hit)" 'syncfs of deployd'
fails 1 'that release is given up' test -e "$APP/releases/$built"
like 'as its record says' "$OWN/records/$built" '^state failed'
like 'and why' "$OWN/records/$built" '^reason cannot sync the release'
is 'what was live is still' "$(readlink "$APP/current")" "$live"
fails 4 'it is not tried again' "$DEPLOY" activate local:blog "$built"
ok 'but deployed anew' "$DEPLOY" local:blog app
same_tree 'whole' app blog

# What was not waited for while durability was relaxed.
inode() {
	stat -c %i "$1"
}
settle
before=$(live blog)
printf '[deployd]\nspare = no\ndurability = relaxed\n' >"$DEPLOYD_CONF"
echo relaxed >app/one
ok 'a deploy that waits for nothing' "$DEPLOY" local:blog app
loose=$(live blog)
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
faulty -n 1 -c syncfs -a EIO
fails 6 'what it left cannot be synced' "$DEPLOY" --deployd="$TMP/faulty" local:blog app
like 'which is said' "$OUT" 'cannot sync what was deployed before: Input/output error'
faults_settle
is 'as it is that call' "$(faults_hit)" 'syncfs of deployd'
ok 'the same tree again' "$DEPLOY" -v local:blog app
is 'is deployed anew' "$([ "$(live blog)" = "$loose" ] || echo yes)" yes
like 'out of what is there' "$OUT" 'needs 0 files'
is 'in files of its own' "$([ "$(inode "$APP/current/one")" = \
	"$(inode "$APP/releases/$loose/one")" ] || echo yes)" yes
fails 4 'what may be lost is not gone back to' "$DEPLOY" rollback local:blog
like 'and why' "$OUT" "$loose may not be on disk: it was not waited for, and syncing it"
fails 1 'fsck' "$DEPLOYD" fsck blog
like 'tells of it' "$OUT" "releases/$loose: may not be on disk"
unlike 'and of no other' "$OUT" "releases/$before"
ok 'what was there before is' "$DEPLOY" rollback local:blog "$before"
printf '[deployd]\nspare = no\ndurability = relaxed\n' >"$DEPLOYD_CONF"
ok 'as is anything by who is relaxed' "$DEPLOY" rollback local:blog "$loose"

# A rollback does not hold the lock of what is prepared.
printf '[deployd]\ndurability = relaxed\n' >"$DEPLOYD_CONF"
echo 'relaxed again' >app/one
ok 'another one' "$DEPLOY" local:blog app
settle
ok 'whose spare is not synced either' test -e "$OWN/next/one"
spare=$(inode "$OWN/next/one")
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
faulty -n 1 -c syncfs -a EIO
fails 6 'a rollback fails at it' "$DEPLOY" rollback --deployd="$TMP/faulty" local:blog "$before"
faults_settle
touch app/two
ok 'the next deploy' "$DEPLOY" local:blog app
is 'uses nothing of the spare' "$([ "$(inode "$APP/current/one")" = "$spare" ] || echo yes)" yes
same_tree 'and is whole' app blog
ok 'which lies there' test -e "$OWN/doubtful"
printf '[deployd]\nspare = no\nkeep = 1\n' >"$DEPLOYD_CONF"
for n in 1 2 3; do
	echo "last $n" >app/one
	ok 'more of them' "$DEPLOY" local:blog app
done
fails 1 'until nothing is doubtful any more' test -e "$OWN/doubtful"
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"

# Who prepares the next one.
settle
: >"$DEPLOYD_CONF"
ok 'a spare' "$DEPLOY" local:blog app
settle
ok 'is there' test -e "$OWN/next/one"
rm -rf "$OWN/next" "$OWN/next.index" "$OWN/next.spare"
faulty -n 1 -c syncfs -a EIO -f "$OWN"
ok 'one that cannot be synced' "$DEPLOY" --deployd="$TMP/faulty" local:blog app
faults_settle
settle
is 'behind the answer' "$(faults_hit)" 'syncfs of deployd'
fails 1 'is not kept' test -e "$OWN/next"
echo last >app/one
ok 'a deploy after that' "$DEPLOY" local:blog app
same_tree 'is whole as well' app blog

# Whoever prepares lets others have what is there while he syncs it.
late() {
	ok 'one deploy' "$DEPLOY" local:blog app
	echo "later than $1" >app/one
	cp app/one app/zz
	ok 'and another' "$DEPLOY" local:blog app
	settle
	cat >"$TMP/late" <<-END
		#!/bin/sh
		exec strace -f -o "$TMP/trace" -P "$OWN/next/one" \\
			-e inject=fsync:${1}delay_enter=3000000 "$DEPLOYD" "\$@"
	END
	chmod 755 "$TMP/late"
	ok 'the first again' "$DEPLOY" rollback local:blog
	cp "$APP/current/one" "$APP/current/zz" app
	ok 'of which a spare is made' "$DEPLOY" --deployd="$TMP/late" local:blog app
	within 6 test -e "$OWN/next.sync"
	echo "edit behind $1" >app/src/two
	taken=$(inode "$OWN/next/one")
}
if ! strace -o "$TMP/trace" true 2>/dev/null; then
	skip 'a spare that is taken over' 'strace may not trace'
else
	echo zz >app/zz
	late ''
	ok 'a spare that is synced yet' "$DEPLOY" local:blog app
	is 'is used' "$(inode "$APP/current/one")" "$taken"
	same_tree 'whole' app blog
	settle
	late ''
	rm app/zz
	ok 'one of which something is taken away' "$DEPLOY" local:blog app
	same_tree 'is whole, too' app blog
	echo zz >app/zz
	settle
	late error=EIO:
	live=$(readlink "$APP/current")
	fails 6 'one of which that fails' "$DEPLOY" local:blog app
	like 'is given up' "$OUT" 'cannot sync what was prepared: Input/output error'
	settle
	is 'as is what was to be live' "$(readlink "$APP/current")" "$live"
	ok 'and the next deploy' "$DEPLOY" local:blog app
	same_tree 'is whole' app blog
	is 'in other files' "$([ "$(inode "$APP/current/one")" = "$taken" ] || echo yes)" yes
	# Nobody else was there to be told.
	settle
	late error=EIO:
	settle
	fails 1 'one that fails at last' test -e "$OWN/next/one"
	fails 1 'leaves nothing to be heeded' test -e "$OWN/next.sync"
	: >"$OWN/next.sync"
	mkdir -p "$OWN/next"
	cp app/one "$OWN/next/one"
	taken=$(inode "$OWN/next/one")
	echo 'edit behind one that was killed' >app/src/two
	ok 'one that was killed at it' "$DEPLOY" local:blog app
	is 'is not used' "$([ "$(inode "$APP/current/one")" = "$taken" ] || echo yes)" yes
	settle
	fails 1 'but forgotten' test -e "$OWN/next.sync"
fi

# A file that cannot be read is no file that was deployed.
printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
faulty -n 1 -c read -a EIO -f "$APP/releases/$(live blog)"
fails 1 'verify of a disk that fails' "$DEPLOY" verify --deployd="$TMP/faulty" local:blog
like 'names the file that cannot be read' "$OUT" '	unreadable$'
faulty -n 1 -c read -a EIO -f "$APP/releases/$(live blog)/many"
ok 'fsck' "$TMP/faulty" fsck blog
faults_settle
like 'has it from another release' "$OUT" \
	"releases/$(live blog)/many/[0-9]*: unreadable \\(repaired: copied from releases/[^/]*/many/"
same_tree 'on another place of the disk' app blog

# What its owner cannot open is synced all the same.
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	skip 'a server of another account' 'there is no root or no setpriv'
	done_testing
fi
rm -r app/many app/deploy.conf
printf '[app]\nmodes = exact\n' >app/deploy.conf
echo closed >app/closed
chmod 040 app/closed
chown -R 65534 "$TMP"
as_nobody() {
	faulty "$@"
	sed -i 's/^exec /exec setpriv --reuid=65534 --clear-groups /' "$TMP/faulty"
}
as_nobody -n 1 -c syncfs -a EIO
fails 6 'a file that is closed' "$DEPLOY" --force --deployd="$TMP/faulty" local:blog app
faults_settle
is 'is synced with all others' "$(faults_hit)" 'syncfs of deployd'
as_nobody -n 1000 -c syncfs -a EIO
ok 'and deployed' "$DEPLOY" --force --deployd="$TMP/faulty" local:blog app
done_testing
