#!/bin/sh
# Several at once: locks, waiting, current that never fails, several targets.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

make_tree app
cd app || exit 1
cat >deploy.conf <<END
[hooks]
build = echo building; until [ -e '$TMP/go' ]; do sleep 0.1; done
END
"$DEPLOY" local:busy >"$TMP/first" 2>&1 &
pid=$!
within 60 grep -q '^building' "$TMP/first"
echo other >other
printf '[hooks]\nbuild = true\n' >deploy.conf
fails 5 'a second deploy meanwhile is busy' "$DEPLOY" local:busy
like 'who and since when is said' "$OUT" 'since 20[0-9][0-9]-'
like 'with what to do' "$OUT" '--wait'
ok 'status says so too' sh -c "'$DEPLOY' status local:busy | grep -i 'since 20'"
"$DEPLOY" --wait=60 local:busy >"$TMP/second" 2>&1 &
second=$!
ok 'with --wait it waits' within 60 grep -q waiting "$TMP/second"
touch "$TMP/go"
wait "$second"
is 'and ends well' $? 0
wait $pid
is 'the first one ended well' $? 0
same_tree 'the last one is live' . busy

# current resolves at every moment.
rm deploy.conf
ok 'a release to begin with' "$DEPLOY" local:steady
cat >"$TMP/watch" <<END
#!/bin/sh
n=0
while [ ! -e "$TMP/stop" ]; do
	cat "$DEPLOYD_ROOT/steady/current/one" >/dev/null || echo failed
	n=\$((n + 1))
done
echo "looked \$n times"
END
spawn "$TMP/watched" sh "$TMP/watch"
watcher=$PID
i=0
failed=0
while [ $i -lt 10 ]; do
	echo "$i" >count
	"$DEPLOY" -q local:steady || failed=$((failed + 1))
	i=$((i + 1))
done
touch "$TMP/stop"
wait "$watcher"
is 'ten deploys' "$failed" 0
unlike 'current never failed to resolve' "$TMP/watched" failed
diag "$(cat "$TMP/watched")"
is 'retention keeps five' "$(find "$DEPLOYD_ROOT/steady/releases" -mindepth 1 -maxdepth 1 | wc -l)" 5

# Eight at once, all waiting for each other.
i=0
pids=
while [ $i -lt 8 ]; do
	"$DEPLOY" -q --rebuild --wait=120 local:steady >"$TMP/eight.$i" 2>&1 &
	pids="$pids $!"
	i=$((i + 1))
done
failed=0
for pid in $pids; do
	wait "$pid" || failed=$((failed + 1))
done
is 'eight deploys at once with --wait' "$failed" 0
same_tree 'the tree is whole' . steady

# Several targets.
cat >deploy.conf <<'END'
[remote "both"]
url = local:left
url = local:right
[hooks]
build = test ! -e fail-$DEPLOY_APP
check = test ! -e bad-$DEPLOY_APP
check_timeout = 1
END
ok 'two targets' "$DEPLOY" both
same_tree 'the one' . left
same_tree 'and the other hold it' . right
left=$(live left)
right=$(live right)
touch fail-right
fails 7 'a build that fails on one' "$DEPLOY" both
is 'switches none: left' "$(live left)" "$left"
is 'switches none: right' "$(live right)" "$right"
rm fail-right
touch bad-right
fails 10 'a check that fails on one' "$DEPLOY" both
like 'is told: who holds it' "$OUT" 'local:left: holds this tree'
like 'and who does not' "$OUT" 'local:right: does not hold'
rm bad-right
ok 'by -t' "$DEPLOY" -t local:left -t local:right
ok 'again: nothing to do' "$DEPLOY" both

# The other ways to deploy.
ok 'a build without activation' sh -c \
	"echo next >next; '$DEPLOY' --no-activate local:left"
like 'says how to make it live' "$OUT" 'deploy activate local:left'
is 'it is not live' "$(test -e "$DEPLOYD_ROOT/left/current/next" && echo live)" ''
built=$("$DEPLOY" releases local:left | grep built | grep -o '20[0-9TZ]*-[0-9a-f]*' | head -n 1)
ok 'activate makes it live' "$DEPLOY" activate local:left "$built"
is 'at once' "$(live left)" "$built"

ok 'expecting what is live' "$DEPLOY" --expect="$built" --rebuild local:left
fails 4 'expecting something else' "$DEPLOY" --expect="$built" local:left
done_testing
