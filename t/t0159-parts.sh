#!/bin/sh
# The beginning of a file whose upload was cut off is in nobody's way.
. "$(dirname "$0")/lib/tap.sh"

own_mounts
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/faults.sh"

mkdir "$DEPLOYD_ROOT"
mount -t tmpfs -o size=92m tmpfs "$DEPLOYD_ROOT" 2>/dev/null ||
	skip_all 'no file system can be mounted'
trap 'umount -l "$DEPLOYD_ROOT"; tap_exit' EXIT
printf '[deployd]\nkeep = 9\nreserve = 0\nspare = no\n' >"$DEPLOYD_CONF"
own=$DEPLOYD_ROOT/blog/.deployd
make_tree app

# cut_off BYTES: a deploy of which so much gets through.
cut_off() {
	cat >"$TMP/cut" <<-END
		#!/bin/sh
		exec $BUILD/t/lib/slowlink -u $1 $DEPLOYD "\$@"
	END
	chmod 755 "$TMP/cut"
	fails 6 'a deploy that is cut off' "$DEPLOY" --deployd="$TMP/cut" \
		local:blog app
	settle
}
parts() {
	find "$own/tmp" -name 'in.*' -o -name 'part.*' | wc -l
}
releases() {
	find "$DEPLOYD_ROOT/blog/releases" -mindepth 1 -maxdepth 1 | wc -l
}

ok 'a first deploy' "$DEPLOY" local:blog app
head -c 60000000 /dev/urandom >app/large
cut_off 20000000
is 'what came of a large file is kept' "$(parts)" 1
ok 'where there is not as much room besides it comes anew' "$DEPLOY" local:blog app
same_tree 'and whole' app blog
is 'no part is left' "$(parts)" 0
rm app/large
ok 'without it' "$DEPLOY" local:blog app
mount -o remount,size=200m "$DEPLOYD_ROOT"

head -c 30000000 /dev/urandom >app/large
cut_off 20000000
is 'one is kept' "$(parts)" 1
ok 'prune' "$DEPLOY" prune local:blog
like 'drops it' "$OUT" 'dropped'
is 'and it is gone' "$(parts)" 0
cut_off 20000000
rm app/large
echo two >app/one
before=$(releases)
ok 'a deploy that has no use for it' "$DEPLOY" local:blog app
is 'removes it' "$(parts)" 0
is 'and no release for its sake' "$(releases)" $((before + 1))

if faults_available; then
	head -c 30000000 /dev/urandom >app/large
	faulty -c write -n 300 -a EDQUOT+ -f "$own/tmp"
	fails 4 'a quota that is used up' "$DEPLOY" --deployd="$TMP/faulty" \
		local:blog app
	faults_settle
	is 'is given back' "$(parts)" 0
fi

# A session that is killed leaves what it was writing.
cat >"$TMP/slow" <<END
#!/bin/sh
exec $BUILD/t/lib/slowlink -r 20000 $DEPLOYD "\$@"
END
chmod 755 "$TMP/slow"
head -c 30000000 /dev/urandom >app/large
"$DEPLOY" --deployd="$TMP/slow" local:blog app >"$TMP/said" 2>&1 &
pid=$!
within 20 sh -c "[ \$(find '$own/tmp' -name 'in.*' -size +15000k | wc -l) -gt 0 ]"
intake=$(basename "$(find "$own/tmp" -name 'in.*')" | cut -c 4-)
kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$intake/status")"
wait $pid
is 'killed, it ends' "$?" 6
settle
is 'and leaves half a file' "$(parts)" 1
ok 'a rerun' "$DEPLOY" -v local:blog app
like 'has the other half sent' "$OUT" 'needs 1 files, 1[0-9.]+ MB'
same_tree 'and the tree is whole' app blog
done_testing
