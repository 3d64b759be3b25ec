#!/bin/sh
# Cut connections, aborted and interrupted deploys.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

link=$BUILD/t/lib/slowlink
[ -x "$link" ] || skip_all 'slowlink is not built'
make_tree app
cd app || exit 1
i=0
while [ $i -lt 30 ]; do
	head -c 500000 /dev/urandom >"blob$i"
	i=$((i + 1))
done

# wrap FILE ARGS: a deployd behind such a link.
wrap() {
	file=$1
	shift
	cat >"$file" <<END
#!/bin/sh
exec $link $* $DEPLOYD "\$@"
END
	chmod 755 "$file"
}

wrap "$TMP/cut" -u 9000000
fails 6 'a deploy that is cut in the middle' "$DEPLOY" \
	--deployd="$TMP/cut" local:big
ok 'nothing is live' test ! -e "$DEPLOYD_ROOT/big/current"
wrap "$TMP/count" -c "$TMP/bytes"
ok 'a rerun' "$DEPLOY" -v --deployd="$TMP/count" local:big
up=$(cut -d' ' -f1 "$TMP/bytes")
# deployd was killed with what it had not read yet, and half a file.
ok 'sends only what had not arrived' test "$up" -lt 10000000
diag "15 MB; the rerun sent $up bytes"
same_tree 'and the tree is equal' . big

first=$(live big)
for cut in 1000 5000 50000 400000; do
	echo "$cut" >one
	head -c 600000 /dev/urandom >blob1
	wrap "$TMP/cut" -u $cut
	fails 6 "cut after $cut bytes upward" "$DEPLOY" \
		--deployd="$TMP/cut" local:big
	is 'the old release is untouched' "$(live big)" "$first"
done
for cut in '-u 100' '-D 10' '-D 100' '-D 300'; do
	# shellcheck disable=SC2086 # two words
	wrap "$TMP/cut" $cut
	"$DEPLOY" --deployd="$TMP/cut" local:big >"$TMP/out" 2>&1
	status=$?
	ok "cut ($cut) before much was said: status 3 or 6" \
		test $status -eq 6 -o $status -eq 3
done
ok 'after all of them a deploy' "$DEPLOY" local:big
same_tree 'arrives equal' . big

# Damage to what is left over only makes the need list longer.
own=$DEPLOYD_ROOT/big/.deployd
head -c 600000 /dev/urandom >blob2
wrap "$TMP/cut" -u 500000
fails 6 'one more cut' "$DEPLOY" --deployd="$TMP/cut" local:big
for f in "$own"/tmp/*; do
	[ ! -f "$f" ] || echo damage >"$f"
done
mkdir -p "$own/next/junk"
echo junk >"$own/next/junk/junk"
ln -s /etc "$own/next/src"
echo junk >"$own/next.index"
rm -f "$own"/manifests/*
ok 'damaged leftovers' "$DEPLOY" local:big
same_tree 'give an equal tree' . big
id=$(live big)
# The spare has it undamaged.
settle
rm -rf "$own/next"
chmod u+w "$DEPLOYD_ROOT/big/releases/$id/blob3"
echo damaged >>"$DEPLOYD_ROOT/big/releases/$id/blob3"
echo x >>one
ok 'a damaged file of the live release' "$DEPLOY" -v local:big
like 'is not reused' "$OUT" 'needs 2 files'
same_tree 'but sent again' . big

# half: a deploy that is cancelled when so many bytes of blob2 have come.
half() {
	"$DEPLOY" --deployd="$TMP/slow" local:big >"$TMP/out" 2>&1 &
	pid=$!
	within 20 sh -c "[ \$(find '$own/tmp' -name 'in.*' -size +$(($1 / 1024))k | wc -l) -gt 0 ]"
	kill -INT $pid
	wait $pid
	settle
}
parts() {
	find "$own/tmp" -name 'in.*' -o -name 'part.*' | wc -l
}

# Half a file is gone on with.
wrap "$TMP/slow" -r 20000
head -c 20000000 /dev/urandom >blob2
half 12000000
is 'half a file is kept when it is cancelled' "$(parts)" 1
"$DEPLOYD" fsck -n big >"$TMP/out" 2>&1
unlike 'of which fsck has nothing to say' "$TMP/out" 'left over|part'
ok 'a rerun' "$DEPLOY" -v --deployd="$TMP/count" local:big
up=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
ok "sends the other half ($up)" test "$up" -lt 9000000
same_tree 'and the tree is equal' . big
is 'and keeps no part' "$(parts)" 0

# One whose bytes changed, and one that is no part of what is sent.
head -c 20000000 /dev/urandom >blob2
half 12000000
for f in "$own"/tmp/part.*; do
	printf damage | dd of="$f" bs=1 seek=5000000 conv=notrunc 2>/dev/null
done
ok 'damage in it' "$DEPLOY" -v --deployd="$TMP/count" local:big
up=$(tail -n 1 "$TMP/bytes" | cut -d' ' -f1)
ok "is not gone on with, but the rest ($up)" test "$up" -lt 10000000
same_tree 'and the tree is equal' . big
head -c 20000000 /dev/urandom >blob2
half 12000000
head -c 20000000 /dev/urandom >blob2
half 2000000
is 'what another file has nothing of is removed' "$(parts)" 1
ok 'before that is deployed' "$DEPLOY" local:big
same_tree 'and it is equal' . big
rm blob2

# A build that is interrupted.
cat >deploy.conf <<END
[hooks]
build = sleep 30.$$
END
first=$(live big)
"$DEPLOY" local:big >"$TMP/out" 2>&1 &
pid=$!
within 10 grep -q 'sleep 30' "$TMP/out"
kill -INT $pid
wait $pid
is 'SIGINT during the build is status 130' $? 130
is 'the old release is live' "$(live big)" "$first"
like 'which is said' "$TMP/out" "$first is live"
sleep 0.5
ok 'the build was stopped on the server' sh -c "! pgrep -f '^sleep 30[.]$$\$'"
"$DEPLOY" local:big >"$TMP/out" 2>&1 &
pid=$!
within 10 grep -q 'sleep 30' "$TMP/out"
kill -KILL $pid
wait $pid 2>/dev/null
tries=0
rm deploy.conf
until "$DEPLOY" local:big >"$TMP/out" 2>&1 || [ $tries -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.2
done
ok 'a killed client leaves nothing locked' test $tries -lt 100
same_tree 'and the next deploy is whole' . big

done_testing
