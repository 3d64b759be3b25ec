#!/bin/sh
# What is live may change its own files at any time: what is copied of it is
# what was verified, or nothing.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

printf '[deployd]\nspare = no\n' >"$DEPLOYD_CONF"
make_tree app
cd app || exit 1
echo good >zz.db
ok 'a first deploy' "$DEPLOY" local:blog
current=$DEPLOYD_ROOT/blog/current

# Planned at once, copied when the upload has come.
head -c 1500000 /dev/urandom >upload
(
	sleep 0.7
	echo evil >"$current/zz.db"
) &
"$DEPLOY" --bwlimit=1m local:blog >"$OUT" 2>&1
status=$?
wait
diag "status $status"
case $status in
0)
	# The change came before the plan, or behind the copy.
	is 'it was not in between' "$(cat "$current/zz.db")" good
	;;
*)
	like 'a change in between is noticed' "$OUT" \
		'zz.db was changed while it was copied'
	;;
esac
ok 'the next deploy' "$DEPLOY" --rebuild local:blog
is 'has what the tree has' "$(cat "$current/zz.db")" good
# Another release has it as well.
ok 'one more' "$DEPLOY" --rebuild local:blog
head -c 1500000 /dev/urandom >upload
(
	sleep 0.7
	echo evil >"$current/zz.db"
) &
ok 'a change in between' "$DEPLOY" --bwlimit=1m local:blog
wait
is 'is no obstacle then' "$(cat "$current/zz.db")" good
same_tree 'all of it' . blog
done_testing
