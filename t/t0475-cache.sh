#!/bin/sh
# The client's cache: what somebody who was killed left in it, what is not
# what it should be there, who else may write in it, and two at once.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"
. "$TOP/t/lib/traced.sh"

behind
make_tree app
cd app || exit 1
cache=$XDG_CACHE_HOME/deploy
ok 'a first deploy' "$DEPLOY" local:blog

# drafts: how many there are.
drafts() {
	find "$cache" -name '*.tmp' | wc -l
}

# Killed while the server builds, when the next base is written already.
printf '[hooks]\nbuild = echo begun; cat %s/gate\n' "$TMP" >deploy.conf
mkfifo "$TMP/gate"
echo killed >one
spawn "$TMP/out" "$DEPLOY" local:blog
within 20 grep -q begun "$TMP/out"
kill -9 "$PID"
wait "$PID"
settle
rm deploy.conf
is 'a deploy that is killed leaves its draft' "$(drafts)" 1
ok 'another one' "$DEPLOY" local:blog
is 'does not take it away: somebody may be at it' "$(drafts)" 1
touch -d '2 days ago' "$cache"/*.tmp
ok 'two days later a deploy' "$DEPLOY" local:blog
is 'does' "$(drafts)" 0

# What the server says while the index and the next base are written is heard
# when they are, not when it says more.
calls='-e trace=?poll,ppoll -e inject=?poll,ppoll:delay_enter=100000'
# shellcheck disable=SC2086 # several words
if strace -o "$TMP/calls" $calls true 2>/dev/null; then
	head -c 400000 /dev/urandom >large
	ignore_leaks
	ok 'a deploy that is slow to look' strace -o "$TMP/calls" $calls \
		"$DEPLOY" local:blog
	# Another look at once may find that no more has come.
	is 'leaves nothing unheard' "$(awk '
		/Timeout/ && !/, 0\) = 0 / && heard { print }
		{ heard = / 0\) = [1-9].*revents=[A-Z|]*POLLIN/ }' "$TMP/calls")" ''
else
	skip 'a deploy that is slow to look' 'strace cannot delay calls here'
fi

# What is not a file is no base, and no index.
for kind in base index; do
	rm "$cache"/*.$kind
	echo "a fifo as $kind" >one
	ok "a deploy without its $kind" "$DEPLOY" local:blog
	file=$(ls "$cache"/*.$kind)
	rm "$file"
	mkfifo "$file"
	echo "before a fifo as $kind" >one
	traced "a fifo where the $kind was" local:blog
	same_tree 'does not hold it up' . blog
	ok 'and is none any more' test -f "$file"
done

# unused NAME: a deploy without the cache, which is the same tree all the same.
unused() {
	echo "$1" >one
	traced "$1" -v local:blog
	like 'is none' "$OUT" "there is no cache: $2"
	unlike 'no base is used' "$TMP/frames" '^    base '
	same_tree 'and all arrives' . blog
}
chmod 777 "$cache"
unused 'a cache in which all may write' 'others may write'
chmod 1777 "$cache"
unused 'be it like /tmp' 'others may write'
chmod 700 "$cache"
traced 'one that is ours again' --rebuild local:blog
like 'is used' "$TMP/frames" '^    base '
if [ "$(id -u)" -eq 0 ]; then
	chown 12345 "$cache"
	unused "somebody else's" 'others may write'
	chown 0 "$cache"
else
	skip "somebody else's cache" 'only root can give files away'
fi
mv "$cache" "$TMP/elsewhere"
ln -s "$TMP/elsewhere" "$cache"
traced 'a link to one' --rebuild local:blog
like 'is as good' "$TMP/frames" '^    base '
mv "$TMP/elsewhere" "$TMP/gone"
unused 'a link to none' 'no directory'
rm "$cache"
echo a file >"$cache"
unused 'a file' 'no directory'
rm "$cache"
mv "$TMP/gone" "$cache"

# A cache that is read only, as it is where a file system is.
# shellcheck disable=SC2016 # the inner shell's
read_only() {
	unshare -m sh -c 'mount --bind "$1" "$1" &&
		mount -o remount,bind,ro "$1" && shift && exec "$@"' - "$@"
}
if read_only "$cache" true 2>/dev/null; then
	for there in "$cache" "$XDG_CACHE_HOME"; do
		[ "$there" = "$cache" ] || rm -r "$cache"
		echo "read only: $there" >one
		ok "deploys where $there is read only" \
			read_only "$there" "$DEPLOY" local:blog
		unlike 'say nothing of it' "$OUT" 'cache|base|index|[Rr]ead-only'
		same_tree 'do what they should' . blog
		echo "again read only: $there" >one
		ok 'each time' read_only "$there" "$DEPLOY" -v local:blog
		like 'and why if asked' "$OUT" 'Read-only'
		is 'once' "$(sort "$OUT" | uniq -d)" ''
		same_tree 'are whole' . blog
		ok 'and end where nothing is to be done' \
			read_only "$there" "$DEPLOY" local:blog
	done
	mkdir -m 700 "$cache"
else
	skip 'a cache that is read only' 'nothing can be mounted'
fi

# A tree that is not the one which the server says that it has made.
printf '#!/bin/sh\nexec %s "$@" | LC_ALL=C sed -u "%s"\n' "$DEPLOYD" \
	's/^\(release [0-9]*T[0-9]*Z-\)[0-9a-f]*$/\100000000/' >"$TMP/other"
chmod 755 "$TMP/other"
rm -f "$XDG_CACHE_HOME"/deploy/*.base
echo other >one
ok 'a release of another tree' "$DEPLOY" --deployd="$TMP/other" local:blog
is 'leaves no base behind' "$(find "$XDG_CACHE_HOME" -name '*.base')" ''

# Two at once of one tree, to one app and to two.
for second in blog shop; do
	for i in 1 2 3; do
		echo "$second $i" >one
		spawn "$TMP/first" "$DEPLOY" --wait local:blog
		other=$PID
		spawn "$TMP/second" "$DEPLOY" --wait "local:$second"
		wait "$PID"
		status=$?
		wait "$other"
		is "two at once, blog and $second, $i" "$? $status" '0 0'
		same_tree 'the one is there' . blog
		same_tree 'so is the other' . "$second"
	done
	is 'no draft is left' "$(drafts)" 0
	traced 'the next' --rebuild "local:$second"
	unlike 'has a base that the server has' "$TMP/types" send
done
done_testing
