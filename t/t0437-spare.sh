#!/bin/sh
# The spare: whatever becomes of next/, a deploy gives the same release.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

own=$DEPLOYD_ROOT/blog/.deployd
printf '[deployd]\nkeep = 2\n' >"$DEPLOYD_CONF"

# tree N: the tree of the Nth deploy: edits, modes, a directory renamed, files
# swapped, types changed, links, and back.
tree() {
	rm -rf app
	make_tree app
	mkdir -p app/many app/lib/inner
	for tree_i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		echo "file $tree_i" >"app/many/$tree_i"
	done
	head -c 300000 /dev/zero | tr '\0' x >app/lib/inner/large
	case $1 in
	1) ;;
	2) echo two >app/one && chmod 755 app/many/3 ;;
	3) mv app/lib app/moved && rm app/many/7 && ln -s 8 app/many/7 ;;
	4)
		mv app/many/1 app/t && mv app/many/2 app/many/1
		mv app/t app/many/2 && rm -r app/src && echo file >app/src
		;;
	5) rm -r app/empty && ln -s many app/empty && mkdir app/many/one ;;
	6) echo new >app/many/21 && echo six >app/one ;;
	esac
}
# facts: of what is live, all but when it was made: content, modes, which
# times are equal to which, and the record.
facts() {
	listing "$DEPLOYD_ROOT/blog/current/"
	grep -Ev '^(id|created|activated|previous) ' "$own/records/$(live blog)"
	(
		cd "$DEPLOYD_ROOT/blog/current/" || exit 1
		find . -mindepth 1 -printf '%P %T@\n' | LC_ALL=C sort |
			awk '{ t = $NF; if (!(t in n)) n[t] = ++k
				$NF = n[t]; print }'
	)
}
# run NAME PREPARE: six deploys, next/ spoiled by PREPARE before each.
run() {
	rm -rf "$DEPLOYD_ROOT/blog"
	: >"$TMP/$1"
	for run_n in 1 2 3 4 5 6 1; do
		tree "$run_n"
		settle
		"$2" || diag "$2 failed before $run_n"
		"$DEPLOY" -v local:blog app >"$TMP/out.$1.$run_n" 2>&1 ||
			diag "$1: deploy $run_n failed: $(tail -n 1 "$TMP/out.$1.$run_n")"
		facts >>"$TMP/$1"
	done
	settle
}
# The first deploy has none.
good() {
	[ ! -e "$DEPLOYD_ROOT/blog" ] ||
		[ "$(cat "$own/next.spare")" = "$(live blog)" ]
}
none() {
	rm -rf "$own/next" "$own/next.index" "$own/next.spare"
}
# Left by a preparer that was killed half way: files are missing, one is half
# copied, the index is that of before.
killed() {
	[ -e "$own/next" ] || return 0
	: >"$own/next.spare"
	rm -rf "$own/next/many" "$own/next/one"
	mkdir "$own/next/many"
	head -c 100000 "$own/next/lib/inner/large" >"$own/half" 2>/dev/null
	[ ! -e "$own/next/lib" ] || mv "$own/half" "$own/next/lib/inner/large"
	rm -f "$own/half"
}
# Of a release long ago.
stale() {
	if [ ! -e "$TMP/old" ]; then
		[ ! -e "$own/next" ] || cp -a "$own/next" "$TMP/old"
	else
		rm -rf "$own/next" && cp -a "$TMP/old" "$own/next"
	fi
}
# Other contents of the same length and time, another mode, strangers, and an
# index that is none.
damaged() {
	[ -e "$own/next" ] || return 0
	for damaged_f in "$own"/next/one "$own"/next/many/[4-6]; do
		cp -p "$damaged_f" "$own/was"
		tr e x <"$own/was" >"$damaged_f"
		touch -r "$own/was" "$damaged_f"
	done
	rm -f "$own/was"
	chmod 600 "$own/next/many/9"
	chmod 500 "$own/next/many"
	mkdir "$own/next/strange" && ln -s / "$own/next/strange/up"
	head -c 200 "$own/next.index" >"$own/cut"
	mv "$own/cut" "$own/next.index"
}

for state in good none killed stale damaged; do
	run $state $state
done
for state in none killed stale damaged; do
	is "$state: trees, modes, times and records are the same" \
		"$(diff "$TMP/good" "$TMP/$state" | head -n 20)" ''
done
ok 'there was something to compare' test "$(wc -l <"$TMP/good")" -gt 500
good_copies=$(find "$own/next" -type f | wc -l)
ok 'a spare is there at the end' test "$good_copies" -gt 20

# What is a spare, and private.
rm -rf "$DEPLOYD_ROOT/blog"
tree 1
ok 'a first deploy' "$DEPLOY" local:blog app
settle
is 'is followed by a spare of it' "$(cat "$own/next.spare")" "$(live blog)"
listing "$DEPLOYD_ROOT/blog/current/" >"$TMP/live"
listing "$own/next" >"$TMP/spare"
is 'which is equal' "$(diff "$TMP/live" "$TMP/spare")" ''
is 'down to the times' "$(cd "$own/next" && find . -mindepth 1 -printf '%P %T@\n' | sort)" \
	"$(cd "$DEPLOYD_ROOT/blog/current/" && find . -mindepth 1 -printf '%P %T@\n' | sort)"
is 'and shares no file' "$(find "$own/next" -type f -links +1)" ''
inode=$(stat -c %i "$own/next/many/5")
echo two >app/one
ok 'an edit' "$DEPLOY" local:blog app
is 'takes the files over' "$(stat -c %i "$DEPLOYD_ROOT/blog/current/many/5")" "$inode"
settle
old=$(live blog)
for i in 3 4; do
	echo $i >app/one
	"$DEPLOY" -q local:blog app
	settle
done
fails 1 'what retention dropped' test -e "$DEPLOYD_ROOT/blog/releases/$old"
inode=$(stat -c %i "$DEPLOYD_ROOT/blog/releases/$(find "$DEPLOYD_ROOT/blog/releases" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | head -n 1)/many/5")
echo 5 >app/one
"$DEPLOY" -q local:blog app
settle
is 'is the spare from then on' "$(stat -c %i "$own/next/many/5")" "$inode"
is 'and nothing is left to be removed' "$(ls "$own/trash")" ''

# A spare that is missing is made when there is nothing else to do.
rm -rf "$own/next"
# Left by those who were killed: at preparing, and at removing an app.
: >"$own/next.index.12345.tmp"
: >"$own/next.spare.12345.tmp"
mkdir -p "$DEPLOYD_ROOT/.deployd/trash/old-20260101T000000Z/releases/a"
: >"$DEPLOYD_ROOT/.deployd/trash/old-20260101T000000Z/releases/a/file"
ok 'nothing changed' "$DEPLOY" local:blog app
like 'and nothing is done' "$OUT" 'already'
settle
is 'but the spare is made again' "$(cat "$own/next.spare")" "$(live blog)"
is 'and what was left by the killed is gone' \
	"$(find "$own" -name 'next.*.tmp')$(ls "$DEPLOYD_ROOT/.deployd/trash")" ''

# A failed deploy's tree in next/ is no spare, and stays.
cat >app/deploy.conf <<'END'
[hooks]
build = false
END
echo precious >app/precious
fails 7 'a failed build' "$DEPLOY" local:blog app
settle
ok 'leaves its tree in next/' test -e "$own/next/precious"
fails 1 'which is no spare' test -e "$own/next.spare"
rm app/deploy.conf

# Somebody is at it, and does not stop.
ok 'a deploy' "$DEPLOY" local:blog app
settle
spawn "$TMP/held" "$BUILD/t/lib/hold-lock" "$own/next.lock"
holder=$PID
i=0
until [ -s "$TMP/held" ] || [ $i -gt 100 ]; do
	i=$((i + 1))
	sleep 0.05
done
echo held >app/one
ok 'a deploy meanwhile' "$DEPLOY" -v local:blog app
like 'says why next/ is not used' "$OUT" 'next/ is not reused: it is still being prepared'
same_tree 'and is the same' app blog
is 'the one who has it is asked to stop' "$(head -c 1 "$own/next.lock")" '!'
ok 'next/ was left alone' test -e "$own/next/many/5"
fails 1 'and what was used instead is gone' test -e "$own/stage"
cat >app/deploy.conf <<'END'
[hooks]
build = false
END
echo more >app/more
fails 7 'a failure meanwhile' "$DEPLOY" local:blog app
fails 1 'does not come back into next/' test -e "$own/next/more"
rm app/deploy.conf app/more
kill "$holder"
wait "$holder" 2>/dev/null
settle

# Room.
printf '[deployd]\nreserve = 900000G\n' >"$DEPLOYD_CONF"
ok 'no room: a dry run of prune' "$DEPLOY" prune -n local:blog
like 'tells of the spare' "$OUT" '^the spare: .*B'
ok 'it is there still' test -e "$own/next"
ok 'prune' "$DEPLOY" prune local:blog
like 'drops it' "$OUT" 'dropped the spare: .*B'
settle
fails 1 'it is gone' test -e "$own/next"
rm -rf app/many
ok 'where nothing is uploaded' "$DEPLOY" local:blog app
settle
fails 1 'none is made where it would take the reserve' test -e "$own/next"

# Not wanted.
printf '[deployd]\nspare = no\nkeep = 1\n' >"$DEPLOYD_CONF"
for i in 1 2 3 4; do
	echo $i >app/one
	"$DEPLOY" -q local:blog app
	settle
done
fails 1 'spare = no makes none' test -e "$own/next"
is 'and what was dropped is removed' "$(ls "$own/trash")" ''

# The session that begins it goes on a while.
if command -v strace >/dev/null; then
	printf '[deployd]\nkeep = 1\n' >"$DEPLOYD_CONF"
	cat >slow <<END
#!/bin/sh
exec strace -f -o $TMP/strace -e trace=wait4 -e inject=wait4:delay_exit=500000 \
	"$DEPLOYD" "\$@"
END
	chmod 755 slow
	echo slow >app/one
	ok 'a session that ends slowly' "$DEPLOY" --deployd="$TMP/slow" local:blog app
	settle
	is 'keeps nobody from the lock' "$(ls "$own/trash")" ''
	is 'who makes the spare to its end' "$(cat "$own/next.spare")" "$(live blog)"
else
	skip 'a session that ends slowly' 'there is no strace'
fi

done_testing
